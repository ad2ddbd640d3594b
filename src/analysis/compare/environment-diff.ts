/** What differs between the sides, and what makes a comparison meaningless. */
import { canonicalJson, sha256OfText } from "../../base/json.js";
import type { PlanConfiguration } from "../../plan/plan-types.js";
import type { Fingerprints } from "../../protocol/measurements.js";
import type { PromptContent } from "../../protocol/prompt.js";
import { describeQuantization } from "../../quantization/registry.js";
import { findModelChanges, shorten as shortenFingerprint } from "../../run/fingerprints.js";
import { compareValues, findDifferences, type TraitDifference } from "../../run/identity.js";
import { describeMemory } from "../../run/machine-text.js";
import { pairTrials } from "../../run/pair-trials.js";
import type { RecordedEnvironment, RunRecord } from "../../run/record-types.js";
import {
  type ConfigurationData,
  completedTrials,
  findRunningProof,
  type RunData,
} from "../../run/run-data.js";
import { readTraits } from "../../run/traits.js";
import type { Reason, Settings, SettingsDifference } from "./reasons.js";
import type { Side } from "./sides.js";

/** Name of the entry for the git commit of the folder where the run was started. */
export const GIT_COMMIT = "git commit";

/** One property, with its value on each side; null if a side did not record it. */
export interface Difference {
  readonly what: string;
  readonly values: readonly (string | null)[];
}

/** Machine, software and program of one run. */
export interface Surroundings {
  readonly controller: RunRecord["controller"];
  readonly falcon_exp_version: string;
  /** Null if the worker never started. */
  readonly environment: RecordedEnvironment | null;
}

export function pickSurroundings({ run, environment }: RunData): Surroundings {
  return { controller: run.controller, falcon_exp_version: run.falcon_exp_version, environment };
}

/** What differs in machine, software and program between runs; empty if everything is the same. */
export function environmentDifferences(runs: readonly Surroundings[]): readonly TraitDifference[] {
  const traits = runs.map(({ environment }) => (environment === null ? null : readTraits(environment)));
  const tell = (what: string, read: (run: Surroundings) => string | null | undefined) =>
    compareValues(what, "surroundings", runs.map(read));
  return [
    ...tell("host", ({ controller }) => controller.hostname),
    ...findDifferences(traits),
    ...tell("memory", ({ environment }) => describeMemory(environment?.memory_total_bytes ?? null)),
    ...tell("platform", ({ environment }) => environment?.platform),
    ...tell("falcon-exp", ({ falcon_exp_version }) => falcon_exp_version),
    ...tell(GIT_COMMIT, ({ controller }) => controller.git_commit?.slice(0, 12) ?? null),
  ];
}

/** What differs between the configurations themselves, as they really ran, except for the settings of `generate`. */
export function configurationDifferences(sides: readonly Side[]): readonly Difference[] {
  const proof = ({ configuration }: Side) => findRunningProof(configuration);
  const proofAfter = ({ configuration: { outcome } }: Side) =>
    outcome?.status === "completed" ? outcome.proof_after : null;
  return differing(
    [
      ["model", ({ data }) => data.run.plan.model_name],
      ["quantization", ({ configuration }) => describeQuantization(configuration.plan.worker.quantization)],
      ["dtype", (side) => proof(side)?.dtype],
      ["attention", (side) => proof(side)?.attn_implementation],
      ["cache", (side) => proofAfter(side)?.cache_implementation],
      ["compiled", (side) => proofAfter(side)?.compiled?.toString()],
      [
        "devices",
        (side) => [...new Set(Object.values(proof(side)?.device_map ?? {}))].sort().join(", ") || null,
      ],
      ["compute dtype", (side) => proof(side)?.quantization_effective.compute_dtype],
      ["weights' fingerprint", (side) => fingerprintText(side, "weights")],
      ["tokenizer's fingerprint", (side) => fingerprintText(side, "tokenizer")],
      ["chat template's fingerprint", (side) => fingerprintText(side, "chat_template")],
      ["workarounds", (side) => proof(side)?.workarounds_applied.join(", ")],
    ],
    sides,
  );
}

/** Undefined if no fingerprint was recorded. */
function fingerprintText({ configuration: { load } }: Side, part: keyof Fingerprints): string | undefined {
  const fingerprints = load?.load.fingerprints;
  return fingerprints == null ? undefined : shortenFingerprint(fingerprints[part]);
}

/** The settings that `generate` used in the trials. Null if they were not recorded. */
export function readEffectiveSettings(configuration: ConfigurationData): Settings | null {
  return completedTrials(configuration)[0]?.measurement.generation_settings ?? null;
}

/** The settings that differ, including the model's own. Null if none do, or if a side did not record them. */
export function findSettingsDifference(all: readonly (Settings | null)[]): SettingsDifference | null {
  const sides = all.filter((one) => one !== null);
  if (sides.length < all.length) return null;
  const names = [...new Set(sides.flatMap((one) => Object.keys(one)))]
    .sort()
    .filter((name) => new Set(sides.map((one) => canonicalJson(one[name] ?? null))).size > 1);
  return names.length === 0 ? null : { names, sides };
}

/** The work that a configuration was given. Figures can be compared only if it is the same. */
export interface Workload {
  readonly prompts_sha256: string;
  readonly generation: PlanConfiguration["generation"];
  /** Absent if prompts were answered one at a time. */
  readonly batch_size?: number;
  /** Null if the model was not loaded. */
  readonly parameters: number | null;
  /** Null if the model was not loaded, and in older records. */
  readonly fingerprints?: Fingerprints | null;
  /** The settings that `generate` used. Null in the same cases. */
  readonly settings?: Settings | null;
}

/** A plain text is not converted, so that the hashes of earlier runs stay the same. */
function writePrompt(prompt: PromptContent): string {
  return typeof prompt === "string" ? prompt : canonicalJson(prompt);
}

/** Prompts are identified by their texts, in their order. */
export function readWorkload(
  { prompts }: Pick<RunRecord, "prompts">,
  { generation, batch_size }: Pick<PlanConfiguration, "generation" | "batch_size">,
  parameters: number | null,
): Workload {
  return {
    prompts_sha256: sha256OfText(prompts.map(({ prompt }) => writePrompt(prompt)).join("\0")),
    generation,
    ...(batch_size === 1 ? {} : { batch_size }),
    parameters,
  };
}

/** Why two workloads cannot be compared; empty if they can. */
export function workloadDifferences(ours: Workload, theirs: Workload): readonly Reason[] {
  const reasons: Reason[] = [];
  if (ours.prompts_sha256 !== theirs.prompts_sha256) reasons.push({ kind: "prompts" });
  const isSame =
    ours.generation === theirs.generation ||
    JSON.stringify(ours.generation) === JSON.stringify(theirs.generation);
  if (!isSame) reasons.push({ kind: "generation" });
  if (ours.batch_size !== theirs.batch_size) reasons.push({ kind: "batch-size" });
  const areKnown = ours.parameters !== null && theirs.parameters !== null;
  if (areKnown && ours.parameters !== theirs.parameters) reasons.push({ kind: "model" });
  return reasons;
}

/** What became something else under the same name from one run to a later one. */
export function modelChanges(before: Workload, now: Workload): readonly Reason[] {
  const difference = findSettingsDifference([before.settings ?? null, now.settings ?? null]);
  const files = ({ fingerprints }: Workload) =>
    fingerprints == null ? null : { ...fingerprints, generation_settings: null };
  return [
    // Settings are reported by their values instead, if the trials used different ones.
    ...findModelChanges(files(before), files(now)).map((one) => ({ kind: "changed", ...one }) as const),
    ...(difference === null ? [] : [{ kind: "settings", difference } as const]),
  ];
}

/** Why a side cannot be compared with the baseline; empty if it can. */
export function findObstacles(baseline: Side, other: Side): readonly Reason[] {
  const reasons: Reason[] = [...workloadDifferences(readSideWorkload(baseline), readSideWorkload(other))];
  const haveOtherTokens = pairTrials(
    completedTrials(other.configuration),
    completedTrials(baseline.configuration),
  ).some(([own, its]) => {
    const [mine, theirs] = [own.measurement.input_ids_sha256, its.measurement.input_ids_sha256];
    return mine !== null && theirs !== null && mine !== theirs;
  });
  if (haveOtherTokens && reasons.length === 0) reasons.push({ kind: "tokens" });
  for (const record of baseline.configuration.quality) {
    const same = other.configuration.quality.find(({ text_id }) => text_id === record.text_id);
    const isOther =
      record.status === "completed" &&
      same?.status === "completed" &&
      record.measurement.token_ids_sha256 !== same.measurement.token_ids_sha256;
    if (isOther) reasons.push({ kind: "text", textId: record.text_id });
  }
  return reasons;
}

function readSideWorkload({ data, configuration }: Side): Workload {
  const parameters = configuration.load?.load.model_shape?.parameters ?? null;
  return readWorkload(data.run, configuration.plan, parameters);
}

function differing<S>(
  things: readonly (readonly [what: string, (side: S) => string | null | undefined])[],
  sides: readonly S[],
): readonly Difference[] {
  return things.flatMap(([what, readValue]) => {
    const values = sides.map((side) => readValue(side) ?? null);
    return new Set(values).size > 1 ? [{ what, values }] : [];
  });
}
