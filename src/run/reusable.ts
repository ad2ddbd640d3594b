/** Decides whether an earlier run's measurements of a configuration may be used instead of measuring it again. */
import { canonicalJson } from "../base/json.js";
import { type Plan, type PlanConfiguration, referenceIdOf } from "../plan/plan-types.js";
import type { ModelSource } from "../protocol/configuration.js";
import type { WorkerEnvironment } from "../protocol/measurements.js";
import { findCheckpoint } from "../quantization/registry.js";
import { computeIdentity, environmentChanges } from "./identity.js";
import type { RunFileRecord, RunRecord } from "./record-types.js";

export interface ReuseTarget {
  readonly plan: Plan;
  readonly configuration: PlanConfiguration;
  readonly environment: WorkerEnvironment;
}

/** A record of one configuration, as the earlier run wrote it. */
export type MeasuredRecord = Extract<RunFileRecord, { readonly reused_from: unknown }>;

export type Reuse =
  | { readonly kind: "reuse"; readonly run: RunRecord; readonly records: readonly MeasuredRecord[] }
  /** `reason`: null if the earlier run has no such configuration at all. */
  | { readonly kind: "measure"; readonly reason: string | null };

/** Why a configuration's identity does not tell what would be loaded; null if it does. */
export function whyUnknown({ plan, configuration: { worker } }: ReuseTarget): string | null {
  const checkpoint = findCheckpoint(worker.quantization);
  if (checkpoint?.source === "path") return "the files of a checkpoint's folder may have changed";
  return (
    whyModelUnknown(worker.model) ??
    (checkpoint === null ? null : whyModelUnknown(checkpoint)) ??
    whyTasksUnknown(plan)
  );
}

function whyModelUnknown(model: ModelSource): string | null {
  if (model.source === "adapted") {
    if (typeof model.adapter === "string") return "the files of the adapter's folder may have changed";
    return whyModelUnknown(model.adapter) ?? whyModelUnknown(model.base);
  }
  if (model.source === "path") return "the files of a model's folder may have changed";
  if (model.source === "random" && model.tokenizer !== "bytes") {
    return "the files of the tokenizer's folder may have changed";
  }
  if (model.source === "hub" && !/^[0-9a-f]{40}$/.test(model.revision ?? "")) {
    return `the branch ${model.revision ?? "main"} may have moved: name a commit as revision`;
  }
  return null;
}

function whyTasksUnknown(plan: Plan): string | null {
  const hasOwnTasks = (plan.header.quality?.lm_eval?.include_path ?? null) !== null;
  return hasOwnTasks ? "the files of quality.lm_eval.include_path may have changed" : null;
}

/** Looks for the configuration in the records of one earlier run. */
export function reusableFrom(records: readonly RunFileRecord[], target: ReuseTarget): Reuse {
  const { configuration, environment } = target;
  const run = records.find((record) => record.kind === "run");
  if (run === undefined) return { kind: "measure", reason: null };
  const load = records.find((record) => isLoadOf(record, configuration, environment));
  const id = load?.kind === "load" ? load.configuration_id : null;
  const theirs = run.configurations.find(({ worker }) =>
    id === null ? worker.label === configuration.worker.label : worker.id === id,
  );
  if (theirs === undefined) return { kind: "measure", reason: null };
  if (id === null) return { kind: "measure", reason: whatDiffers(run, theirs, records, target) };
  const own = records.filter(
    (record): record is MeasuredRecord => "reused_from" in record && record.configuration_id === id,
  );
  const reason = whyUnfinished(own, run, theirs, target) ?? otherReference(records, run, theirs, target);
  return reason === null ? { kind: "reuse", run, records: keepNewest(own) } : { kind: "measure", reason };
}

/**
 * Whether the record is of a load with the identity that the configuration would have now. The fingerprints of the model's files
 * are taken from the record, because only a model whose files are pinned (a commit, a seed, the embedded model) is reused at all,
 * see `whyUnknown`.
 */
function isLoadOf(
  record: RunFileRecord,
  configuration: PlanConfiguration,
  environment: WorkerEnvironment,
): record is Extract<RunFileRecord, { readonly kind: "load" }> {
  if (record.kind !== "load") return false;
  return record.identity_sha256 === computeIdentity(configuration, environment, record.load.fingerprints);
}

function whatDiffers(
  run: RunRecord,
  theirs: PlanConfiguration,
  records: readonly RunFileRecord[],
  { plan, configuration, environment }: ReuseTarget,
): string {
  const environmentRecord = records.findLast((record) => record.kind === "environment");
  if (environmentRecord === undefined) return "it never ran there";
  const differing = (names: readonly (readonly [name: string, theirs: unknown, ours: unknown])[]) =>
    names.flatMap(([name, one, other]) =>
      canonicalJson(one ?? null) === canonicalJson(other ?? null) ? [] : [`${name} differs`],
    );
  const prompts = new Map(plan.trials.map(({ prompt_index, prompt }) => [prompt_index, prompt]));
  const { id: _, label: __, ...ours } = configuration.worker;
  const inputs = differing([
    ...Object.entries(ours).map(
      ([name, value]) => [name, theirs.worker[name as keyof typeof ours], value] as const,
    ),
    ["batch_size", theirs.batch_size, configuration.batch_size],
    ["generation", theirs.generation, configuration.generation],
    ["the list of prompts", run.prompts.map(({ prompt }) => prompt), [...prompts.values()]],
    ["warmup", run.plan.warmup, plan.header.warmup],
    ["quality", run.plan.quality, plan.header.quality],
  ]);
  const { known, unrecorded } = environmentChanges(environmentRecord.environment, environment);
  const changes = [...known, ...inputs, ...(unrecorded === null ? [] : [unrecorded])];
  return changes.length > 0 ? changes.join("; ") : "it was planned by another version of falcon-exp";
}

/** Number of loads that have trials; an expensive load also measured those of later rounds. */
function countLoads(records: readonly MeasuredRecord[]): number {
  return new Set(records.flatMap((record) => (record.kind === "trial" ? record.round : []))).size;
}

/** Why the earlier measurements are not enough; null if everything that is asked for now was measured then. */
function whyUnfinished(
  own: readonly MeasuredRecord[],
  run: RunRecord,
  theirs: PlanConfiguration,
  { plan, configuration, environment }: ReuseTarget,
): string | null {
  const { header } = plan;
  const amount = ({ repeats, rounds, rounds_share_trials, auto_repeats }: typeof header) =>
    canonicalJson({ repeats, rounds, rounds_share_trials, auto_repeats });
  if (amount(header) !== amount(run.plan)) return "repeats or rounds differ";
  if (plan.texts.length > 0 && theirs.is_reference !== configuration.is_reference) {
    return "another configuration is the reference";
  }
  const newest = keepNewest(own);
  if (newest.some((record) => record.kind === "load" && !isLoadOf(record, configuration, environment))) {
    return "its rounds were measured in different environments";
  }
  const completed = newest.filter((record) => !("status" in record) || record.status === "completed");
  const isDisturbed = (record: MeasuredRecord) =>
    record.kind === "trial" && record.status === "completed" && record.disturbed_by.length > 0;
  if (newest.some(isDisturbed)) return "its trials in that run were disturbed";
  const count = (kind: MeasuredRecord["kind"]) => completed.filter((record) => record.kind === kind).length;
  const planned = plan.trials.filter(({ configuration_id }) => configuration_id === configuration.worker.id);
  const isPlanned = (record: MeasuredRecord) => !("round" in record) || record.round < header.rounds;
  const countPlanned = (kind: MeasuredRecord["kind"]) =>
    completed.filter((record) => record.kind === kind && isPlanned(record)).length;
  const isWhole =
    completed.length === newest.length &&
    countPlanned("configuration") === header.rounds &&
    count("load") === countLoads(completed) &&
    (header.auto_repeats !== null || countPlanned("trial") === planned.length) &&
    count("quality") === plan.texts.length &&
    count("profile") >= (header.profile ? 1 : 0) &&
    count("lm_eval") === (header.quality?.lm_eval ? 1 : 0);
  return isWhole ? null : "it was not finished in that run";
}

/**
 * Why the earlier run's reference will not do: a comparison is only as good as its reference. Null if it will, or if none is
 * needed.
 */
function otherReference(
  records: readonly RunFileRecord[],
  run: RunRecord,
  theirs: PlanConfiguration,
  { plan, configuration, environment }: ReuseTarget,
): string | null {
  if (plan.texts.length === 0 || configuration.is_reference) return null;
  const wanted = referenceIdOf(configuration, plan.header);
  const reference = plan.configurations.find(({ worker }) => worker.id === wanted);
  const isSame = records.some(
    (record) =>
      reference !== undefined &&
      isLoadOf(record, reference, environment) &&
      record.configuration_id === referenceIdOf(theirs, run.plan),
  );
  return isSame ? null : "it was compared with another reference";
}

/** Keeps only the newest record of each measurement. */
function keepNewest(own: readonly MeasuredRecord[]): readonly MeasuredRecord[] {
  const newest = new Map<string, MeasuredRecord>();
  for (const record of own) {
    const key = buildKey(record);
    // Deleted first, so that the order is that of the newest records.
    newest.delete(key);
    newest.set(key, record);
  }
  return [...newest.values()];
}

function buildKey(record: MeasuredRecord): string {
  switch (record.kind) {
    case "load":
    case "configuration":
      return `${record.kind} ${record.round}`;
    case "trial":
      return `trial ${record.trial_id}`;
    case "quality":
      return `quality ${record.text_id}`;
    case "warmup":
      return `warmup ${record.attempt} ${record.at} ${record.index}`;
    case "profile":
    case "lm_eval":
      return record.kind;
  }
}
