/**
 * `records.jsonl`: the source of truth. One JSON object per line, appended and fsynced when the event happens, never rewritten.
 *
 *   run → environment → (load → warmup… → trial… → profile → quality… → configuration)… → run_end
 *   resume → environment → … → run_end, as often as the run was resumed
 *
 * A load session of the plan (one load of one configuration) ends with one configuration record for each attempt at it. Keys with
 * a default were added after version 1 was first written, so older records lack them.
 *
 * Every chart and table is made from these lines alone. They hold raw samples only: statistics belong to the report.
 */
import { z } from "zod";
import { loadSessionSchema, planConfigurationSchema, planHeaderSchema } from "../plan/plan-types.js";
import { nonNegativeInt, phaseSchema, positiveInt, seconds } from "../protocol/common.js";
import {
  cardSchema,
  environmentSchema,
  gpuStateSchema,
  loadMeasurementSchema,
  machineStateSchema,
  memoryBandwidthSchema,
  profileMeasurementSchema,
  proofSchema,
  trialMeasurementSchema,
} from "../protocol/measurements.js";
import { promptSchema } from "../protocol/prompt.js";
import { lmEvalMeasurementSchema, qualityMeasurementSchema } from "../protocol/quality.js";
import { taskLossSchema } from "./task-losses.js";

/**
 * Raised when a key changes its meaning, is renamed or is removed. `reader.ts` then converts older lines to the new form before
 * this schema validates them, and files of the previous version are kept under test/golden/records. A key that is added within
 * a version gets a default instead, which means "was not recorded".
 */
export const RECORD_SCHEMA_VERSION = 1;

const commonFields = {
  schema_version: z.literal(RECORD_SCHEMA_VERSION),
  run_id: z.string(),
  at: z.iso.datetime(),
};
const ofConfiguration = { configuration_id: z.string(), configuration: z.string() };

/** Where a reused record was measured; it is reused because nothing that it depends on has changed since. */
export const reusedFromSchema = z.strictObject({
  experiment: z.string(),
  run_id: z.string(),
  at: z.iso.datetime(),
});
export type ReusedFrom = z.infer<typeof reusedFromSchema>;
/** Fields of everything that is measured within a load session. */
const ofAttempt = {
  ...ofConfiguration,
  /**
   * The attempt at its load session that this belongs to, from 1: the model is loaded again when a run is resumed or a load
   * session is retried.
   */
  attempt: positiveInt.default(1),
  /** Null if it was measured in this run. */
  reused_from: reusedFromSchema.nullable().default(null),
};

const recordedProofSchema = proofSchema.extend({
  read_per_token_bytes: proofSchema.shape.read_per_token_bytes.nullable().default(null),
  cache_implementation: proofSchema.shape.cache_implementation.default(null),
  compiled: proofSchema.shape.compiled.default(null),
});
export type RecordedProof = z.infer<typeof recordedProofSchema>;
const recordedCardSchema = cardSchema.extend({
  kind: cardSchema.shape.kind.default("cuda"),
  uuid: cardSchema.shape.uuid.default(null),
  pci_bus_id: cardSchema.shape.pci_bus_id.default(null),
  mig_profile: cardSchema.shape.mig_profile.default(null),
  is_simulated: cardSchema.shape.is_simulated.default(false),
});
const recordedGpuStateSchema = gpuStateSchema.extend({
  uuid: gpuStateSchema.shape.uuid.default(null),
  other_processes: gpuStateSchema.shape.other_processes.default(null),
  other_memory_bytes: gpuStateSchema.shape.other_memory_bytes.default(null),
});
const recordedQualitySchema = qualityMeasurementSchema.extend({
  logits_bytes: qualityMeasurementSchema.shape.logits_bytes.default(null),
});
const recordedLoadSchema = loadMeasurementSchema.extend({
  proof: recordedProofSchema,
  model_shape: loadMeasurementSchema.shape.model_shape.default(null),
  devices: z.array(recordedCardSchema).nullable().default(null),
  download_sec: loadMeasurementSchema.shape.download_sec.default(null),
  page_cache_share: loadMeasurementSchema.shape.page_cache_share.default(null),
  weights_source: loadMeasurementSchema.shape.weights_source.default("files"),
});
export const recordedEnvironmentSchema = environmentSchema.extend({
  machine_state: machineStateSchema.nullable().default(null),
  memory_bandwidth: z.array(memoryBandwidthSchema).default([]),
  gpus: z.array(recordedCardSchema),
  machine: environmentSchema.shape.machine.default(null),
});
export type RecordedEnvironment = z.infer<typeof recordedEnvironmentSchema>;
const recordedTrialSchema = trialMeasurementSchema.extend({
  truncated_tokens: trialMeasurementSchema.shape.truncated_tokens.default(0),
  output_ids: trialMeasurementSchema.shape.output_ids.nullable().default(null),
  output_pieces: trialMeasurementSchema.shape.output_pieces.nullable().default(null),
  energy_step_sec: trialMeasurementSchema.shape.energy_step_sec.default(null),
  energy_note: trialMeasurementSchema.shape.energy_note.default(null),
  devices: trialMeasurementSchema.shape.devices.nullable().default(null),
  gpu_state_before: z.array(recordedGpuStateSchema).nullable(),
  gpu_state_after: z.array(recordedGpuStateSchema).nullable(),
});
export type RecordedTrial = z.infer<typeof recordedTrialSchema>;

/** Why something failed; codes in docs/errors.md. */
export const failureSchema = z.strictObject({
  code: z.string(),
  message: z.string(),
  /** What the user should do next, as one step. */
  next: z.string(),
  phase: phaseSchema.nullable(),
  exit_code: z.int().nullable(),
  signal: z.string().nullable(),
  /** Last lines of the worker's stderr, newest last. */
  stderr_tail: z.array(z.string()),
  traceback: z.string().nullable(),
});
export type Failure = z.infer<typeof failureSchema>;

const controllerSchema = z.strictObject({
  node_version: z.string(),
  platform: z.string(),
  hostname: z.string(),
  /** Commit of the folder where the run was started; null outside a git repository. */
  git_commit: z.string().nullable(),
  git_dirty: z.boolean().nullable(),
});

/** First line: what was to be measured, and with what. Holds the plan's configurations so that a report needs no other file. */
export const runRecordSchema = z.strictObject({
  ...commonFields,
  kind: z.literal("run"),
  falcon_exp_version: z.string(),
  plan: planHeaderSchema,
  configurations: z.array(planConfigurationSchema),
  /**
   * Load sessions in order of running; empty in records made before there were rounds, when each configuration was loaded once,
   * in order.
   */
  blocks: z.array(loadSessionSchema).default([]),
  prompts: z.array(
    z.strictObject({ prompt_index: nonNegativeInt, prompt_id: z.string(), prompt: promptSchema }),
  ),
  controller: controllerSchema,
});
export type RunRecord = z.infer<typeof runRecordSchema>;

/** A run that had ended or was killed is resumed: what follows comes from another process, perhaps on another day. */
export const resumeRecordSchema = z.strictObject({
  ...commonFields,
  kind: z.literal("resume"),
  falcon_exp_version: z.string(),
  controller: controllerSchema,
  /** Whether failed work is tried again. */
  retry_failed: z.boolean(),
  blocks_left: nonNegativeInt,
  trials_left: nonNegativeInt,
  /** What has changed in the environment, if the user asked to continue all the same: "torch 2.12.0 → 2.13.0". */
  environment_changes: z.array(z.string()),
});
export type ResumeRecord = z.infer<typeof resumeRecordSchema>;

/** The worker's environment, recorded as soon as it is known, and again if a worker had to be restarted. */
export const environmentRecordSchema = z.strictObject({
  ...commonFields,
  kind: z.literal("environment"),
  environment: recordedEnvironmentSchema,
});
export type EnvironmentRecord = z.infer<typeof environmentRecordSchema>;

/** A configuration was loaded: how long it took, how big it is, and the proof of what was loaded. */
export const loadRecordSchema = z.strictObject({
  ...commonFields,
  kind: z.literal("load"),
  ...ofAttempt,
  /** The configuration's identity: its plan inputs together with library versions and worker code. */
  identity_sha256: z.string(),
  load: recordedLoadSchema,
  round: nonNegativeInt.default(0),
  /** The machine that measured; if several machines measure a run, each records its own name. Null in older records. */
  hostname: z.string().nullable().default(null),
});
export type LoadRecord = z.infer<typeof loadRecordSchema>;

/** A warm-up generate: recorded, but never counted. */
export const warmupRecordSchema = z.strictObject({
  ...commonFields,
  kind: z.literal("warmup"),
  ...ofAttempt,
  index: nonNegativeInt,
  measurement: recordedTrialSchema,
});
export type WarmupRecord = z.infer<typeof warmupRecordSchema>;

const trialCommonFields = {
  ...commonFields,
  kind: z.literal("trial"),
  ...ofAttempt,
  trial_id: z.string(),
  /** 0-based within its configuration. */
  trial_index: nonNegativeInt,
  prompt_index: nonNegativeInt,
  prompt_id: z.string(),
  repeat: nonNegativeInt,
  round: nonNegativeInt.default(0),
};
export const trialRecordSchema = z.discriminatedUnion("status", [
  z.strictObject({
    ...trialCommonFields,
    status: z.literal("completed"),
    measurement: recordedTrialSchema,
    /** Prompts of the batch's rows, in their order; null for a batch of one. */
    batch_prompt_ids: z.array(z.string()).nullable().default(null),
    /** What disturbed the trial, so that its times say nothing; empty if nothing did. */
    disturbed_by: z.array(z.string()).default([]),
  }),
  z.strictObject({ ...trialCommonFields, status: z.literal("failed"), failure: failureSchema }),
]);
export type TrialRecord = z.infer<typeof trialRecordSchema>;
export type CompletedTrial = Extract<TrialRecord, { status: "completed" }>;

const driftProbeCommonFields = {
  ...commonFields,
  kind: z.literal("sentinel"),
  ...ofConfiguration,
  /** 0 start, 1 middle, 2 end of the run. */
  position: nonNegativeInt,
  prompt_index: nonNegativeInt,
  prompt_id: z.string(),
};
/**
 * A measurement of the drift probe (`sentinel` in files): the same work at different times, which shows drift. Never counted as
 * a trial.
 */
export const driftProbeRecordSchema = z.discriminatedUnion("status", [
  z.strictObject({
    ...driftProbeCommonFields,
    status: z.literal("completed"),
    measurement: recordedTrialSchema,
  }),
  z.strictObject({ ...driftProbeCommonFields, status: z.literal("failed"), failure: failureSchema }),
]);
export type DriftProbeRecord = z.infer<typeof driftProbeRecordSchema>;

const qualityCommonFields = {
  ...commonFields,
  kind: z.literal("quality"),
  ...ofAttempt,
  text_id: z.string(),
};
/** One evaluation text scored by the process that was measured. */
export const qualityRecordSchema = z.discriminatedUnion("status", [
  z.strictObject({
    ...qualityCommonFields,
    status: z.literal("completed"),
    measurement: recordedQualitySchema,
  }),
  z.strictObject({ ...qualityCommonFields, status: z.literal("failed"), failure: failureSchema }),
]);
export type QualityRecord = z.infer<typeof qualityRecordSchema>;

const profileCommonFields = { ...commonFields, kind: z.literal("profile"), ...ofAttempt };
/** The time of one more generate, broken down into its parts. */
export const profileRecordSchema = z.discriminatedUnion("status", [
  z.strictObject({
    ...profileCommonFields,
    status: z.literal("completed"),
    measurement: profileMeasurementSchema,
  }),
  z.strictObject({ ...profileCommonFields, status: z.literal("failed"), failure: failureSchema }),
]);
export type ProfileRecord = z.infer<typeof profileRecordSchema>;

const recordedLmEvalSchema = lmEvalMeasurementSchema.extend({
  sample_hashes: lmEvalMeasurementSchema.shape.sample_hashes.default({}),
});
const lmEvalCommonFields = { ...commonFields, kind: z.literal("lm_eval"), ...ofAttempt };
/** Tasks of lm-evaluation-harness on the model object that was measured. */
export const lmEvalRecordSchema = z.discriminatedUnion("status", [
  z.strictObject({
    ...lmEvalCommonFields,
    status: z.literal("completed"),
    measurement: recordedLmEvalSchema,
  }),
  z.strictObject({ ...lmEvalCommonFields, status: z.literal("failed"), failure: failureSchema }),
]);
export type LmEvalRecord = z.infer<typeof lmEvalRecordSchema>;

/** Why no more repeats were measured. */
export const repeatsEndSchema = z.enum(["as-planned", "precise-enough", "most-reached"]);
export type RepeatsEnd = z.infer<typeof repeatsEndSchema>;

const configurationCommonFields = {
  ...commonFields,
  kind: z.literal("configuration"),
  ...ofAttempt,
  /** Wall time from asking for the load to the end of the trial process. */
  elapsed_sec: seconds,
  /** Trials completed in all attempts at this load session together. */
  trials_completed: nonNegativeInt,
  trials_planned: positiveInt,
  round: nonNegativeInt.default(0),
  /** Library warnings, each distinct text once. */
  notices: z.array(z.strictObject({ source: z.string(), text: z.string(), count: positiveInt })),
};
export const configurationRecordSchema = z.discriminatedUnion("status", [
  z.strictObject({
    ...configurationCommonFields,
    status: z.literal("completed"),
    /** Proof read again after the last trial (libraries repack weights on first use); null if it could not be read. */
    proof_after: recordedProofSchema.nullable(),
    repeats_end: repeatsEndSchema.default("as-planned"),
  }),
  z.strictObject({ ...configurationCommonFields, status: z.literal("failed"), failure: failureSchema }),
  z.strictObject({ ...configurationCommonFields, status: z.literal("cancelled"), reason: z.string() }),
  /** Not tried, for the given reason: it would certainly run out of memory as well, or it failed in an earlier round. */
  z.strictObject({ ...configurationCommonFields, status: z.literal("skipped"), reason: z.string() }),
]);
export type ConfigurationRecord = z.infer<typeof configurationRecordSchema>;

/** In a run that tasks measure: a task that recorded no end, and why. What it had measured is among the other records. */
export const taskLossRecordSchema = z.strictObject({
  ...commonFields,
  kind: z.literal("task_loss"),
  ...taskLossSchema.shape,
});
export type TaskLossRecord = z.infer<typeof taskLossRecordSchema>;

/** The run, or its resumption, ended by itself or was asked to stop; missing if the controller was killed. */
export const runEndRecordSchema = z.strictObject({
  ...commonFields,
  kind: z.literal("run_end"),
  /** Status of the whole run. */
  status: z.enum(["completed", "partly_failed", "all_failed", "interrupted"]),
  /** Seconds since the run, or its resumption, began. */
  elapsed_sec: seconds,
});
export type RunEndRecord = z.infer<typeof runEndRecordSchema>;

export const recordSchema = z.discriminatedUnion("kind", [
  runRecordSchema,
  resumeRecordSchema,
  environmentRecordSchema,
  loadRecordSchema,
  warmupRecordSchema,
  trialRecordSchema,
  driftProbeRecordSchema,
  profileRecordSchema,
  qualityRecordSchema,
  lmEvalRecordSchema,
  configurationRecordSchema,
  taskLossRecordSchema,
  runEndRecordSchema,
]);
export type RunFileRecord = z.infer<typeof recordSchema>;
