/**
 * `records.jsonl`: the truth. One JSON object a line, appended and fsynced when it happens, never rewritten.
 *
 *   run → (load → warmup… → trial… → configuration)… → run_end
 *
 * Every chart and table is drawn from these lines alone. Raw samples only: statistics belong to the report.
 */
import { z } from "zod";
import { planConfigurationSchema, planHeaderSchema } from "../plan/plan-types.js";
import { nonNegativeInt, phaseSchema, positiveInt, seconds } from "../protocol/common.js";
import {
  environmentSchema,
  loadMeasurementSchema,
  trialMeasurementSchema,
} from "../protocol/measurements.js";

export const RECORD_SCHEMA_VERSION = 1;

const head = { schema_version: z.literal(RECORD_SCHEMA_VERSION), run_id: z.string(), at: z.iso.datetime() };
const ofConfiguration = { configuration_id: z.string(), configuration: z.string() };

/** Why something failed; codes in docs/errors.md. */
export const failureSchema = z.strictObject({
  code: z.string(),
  message: z.string(),
  /** The one next step. */
  next: z.string(),
  phase: phaseSchema.nullable(),
  exit_code: z.int().nullable(),
  signal: z.string().nullable(),
  /** Last lines of the worker's stderr, newest last. */
  stderr_tail: z.array(z.string()),
  traceback: z.string().nullable(),
});
export type Failure = z.infer<typeof failureSchema>;

/** First line: what was going to be measured, with what. Holds the plan's configurations so that a report needs no other file. */
export const runRecordSchema = z.strictObject({
  ...head,
  kind: z.literal("run"),
  falcon_exp_version: z.string(),
  plan: planHeaderSchema,
  configurations: z.array(planConfigurationSchema),
  prompts: z.array(
    z.strictObject({ prompt_index: nonNegativeInt, prompt_id: z.string(), prompt: z.string() }),
  ),
  controller: z.strictObject({
    node_version: z.string(),
    platform: z.string(),
    hostname: z.string(),
    /** Commit of the folder where the run was started; null outside a git repository. */
    git_commit: z.string().nullable(),
    git_dirty: z.boolean().nullable(),
  }),
});
export type RunRecord = z.infer<typeof runRecordSchema>;

/** The worker's environment, as soon as it is known; again when a worker had to be started anew. */
export const environmentRecordSchema = z.strictObject({
  ...head,
  kind: z.literal("environment"),
  environment: environmentSchema,
});
export type EnvironmentRecord = z.infer<typeof environmentRecordSchema>;

/** A configuration was loaded: how long, how big, and the proof of what was loaded. */
export const loadRecordSchema = z.strictObject({
  ...head,
  kind: z.literal("load"),
  ...ofConfiguration,
  /** The configuration's identity: its plan inputs together with library versions and worker code. */
  identity_sha256: z.string(),
  load: loadMeasurementSchema,
});
export type LoadRecord = z.infer<typeof loadRecordSchema>;

/** A warm-up generate: kept, never counted. */
export const warmupRecordSchema = z.strictObject({
  ...head,
  kind: z.literal("warmup"),
  ...ofConfiguration,
  index: nonNegativeInt,
  measurement: trialMeasurementSchema,
});
export type WarmupRecord = z.infer<typeof warmupRecordSchema>;

const trialHead = {
  ...head,
  kind: z.literal("trial"),
  ...ofConfiguration,
  trial_id: z.string(),
  /** 0-based within its configuration. */
  trial_index: nonNegativeInt,
  prompt_index: nonNegativeInt,
  prompt_id: z.string(),
  repeat: nonNegativeInt,
};
export const trialRecordSchema = z.discriminatedUnion("status", [
  z.strictObject({ ...trialHead, status: z.literal("completed"), measurement: trialMeasurementSchema }),
  z.strictObject({ ...trialHead, status: z.literal("failed"), failure: failureSchema }),
]);
export type TrialRecord = z.infer<typeof trialRecordSchema>;
export type CompletedTrial = Extract<TrialRecord, { status: "completed" }>;

const configurationHead = {
  ...head,
  kind: z.literal("configuration"),
  ...ofConfiguration,
  /** Wall time from asking for the load to the end of the trial process. */
  elapsed_sec: seconds,
  trials_completed: nonNegativeInt,
  trials_planned: positiveInt,
  /** Library warnings, each distinct text once. */
  notices: z.array(z.strictObject({ source: z.string(), text: z.string(), count: positiveInt })),
};
export const configurationRecordSchema = z.discriminatedUnion("status", [
  z.strictObject({
    ...configurationHead,
    status: z.literal("completed"),
    /** Proof read again after the last trial (libraries repack weights on first use); null when it could not be read. */
    proof_after: loadMeasurementSchema.shape.proof.nullable(),
  }),
  z.strictObject({ ...configurationHead, status: z.literal("failed"), failure: failureSchema }),
  z.strictObject({ ...configurationHead, status: z.literal("cancelled"), reason: z.string() }),
]);
export type ConfigurationRecord = z.infer<typeof configurationRecordSchema>;

/** Last line of a run that ended by itself or was asked to stop; missing when the controller was killed. */
export const runEndRecordSchema = z.strictObject({
  ...head,
  kind: z.literal("run_end"),
  status: z.enum(["completed", "partly_failed", "all_failed", "interrupted"]),
  elapsed_sec: seconds,
});
export type RunEndRecord = z.infer<typeof runEndRecordSchema>;

export const recordSchema = z.discriminatedUnion("kind", [
  runRecordSchema,
  environmentRecordSchema,
  loadRecordSchema,
  warmupRecordSchema,
  trialRecordSchema,
  configurationRecordSchema,
  runEndRecordSchema,
]);
export type RunFileRecord = z.infer<typeof recordSchema>;
