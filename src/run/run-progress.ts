/**
 * The progress of a run, record by record: how much of each configuration was measured, and the medians so far. Lenient where
 * the reader is strict: it serves lists and pages that follow a run, so it takes only what it shows and does not check the
 * rest.
 */
import { z } from "zod";
import { computeMedian } from "../base/statistics.js";
import { chooseMemoryMetric, type MemoryMetric } from "../metrics/memory.js";
import {
  LIST_METRICS,
  type LoadListKey,
  listedFrom,
  listSources,
  listTrialValues,
  type Medians,
  nameMedians,
  readLoadList,
  shapeOf,
} from "../metrics/registry.js";
import { countTrialsEach } from "../plan/plan-types.js";
import { findRecordGaps } from "./record-gaps.js";
import type { RunFileRecord } from "./record-types.js";
import { type ConfigurationState, type ConfigurationStatus, RunState } from "./state.js";

const nullableNumber = z.number().nullable().default(null);
const runningProof = z.object(shapeOf(listedFrom("running"), nullableNumber));
/** The keys of a trial's measurement that lists show. */
const TRIAL_KEYS = LIST_METRICS.flatMap(listSources).map((key) => ({ key }));
const failureSchema = z.object({ code: z.string(), message: z.string(), next: z.string() });
type ProgressFailure = z.infer<typeof failureSchema>;
const ofConfiguration = { at: z.string(), configuration_id: z.string(), attempt: z.number().default(1) };

/**
 * The records that progress is computed from, each with only the keys that are needed; every record of these kinds that the
 * reader returns fits.
 */
export const progressRecordSchema = z.discriminatedUnion("kind", [
  z.object({
    kind: z.literal("run"),
    at: z.string(),
    run_id: z.string(),
    plan: z.object({
      experiment: z.string(),
      model_name: z.string(),
      trials: z.number(),
      repeats: z.number(),
      rounds: z.number().default(1),
      rounds_share_trials: z.boolean().default(false),
      /** Anything but null if the number of repeats was decided while they were measured. */
      auto_repeats: z.unknown().default(null),
    }),
    configurations: z.array(
      z.object({
        index: z.number(),
        worker: z.object({ id: z.string(), label: z.string() }),
        is_reference: z.boolean(),
      }),
    ),
    prompts: z.array(z.unknown()),
  }),
  /** What follows comes from another process, perhaps on another day. */
  z.object({ kind: z.literal("resume"), at: z.string() }),
  z.object({
    kind: z.literal("load"),
    ...ofConfiguration,
    round: z.number().default(0),
    load: z.object({
      ...shapeOf(listedFrom("load"), nullableNumber),
      proof: runningProof,
    }),
  }),
  z.object({
    kind: z.literal("trial"),
    ...ofConfiguration,
    round: z.number().default(0),
    trial_id: z.string(),
    status: z.enum(["completed", "failed"]),
    measurement: z.object(shapeOf(TRIAL_KEYS, nullableNumber)).optional(),
    disturbed_by: z.array(z.string()).optional(),
    failure: failureSchema.optional(),
  }),
  z.object({
    kind: z.literal("configuration"),
    ...ofConfiguration,
    round: z.number().default(0),
    status: z.enum(["completed", "failed", "cancelled", "skipped"]),
    proof_after: runningProof.nullable().optional(),
    reason: z.string().optional(),
    repeats_end: z.string().optional(),
    failure: failureSchema.optional(),
  }),
  z.object({
    kind: z.literal("run_end"),
    at: z.string(),
    status: z.enum(["completed", "partly_failed", "all_failed", "interrupted"]),
    elapsed_sec: z.number(),
  }),
]);
export type ProgressRecord = z.infer<typeof progressRecordSchema>;
type Of<K extends ProgressRecord["kind"]> = Extract<ProgressRecord, { kind: K }>;

/** The kinds of `ProgressRecord`; lines of other kinds need not be parsed. */
export const PROGRESS_KINDS: ReadonlySet<string> = new Set(
  progressRecordSchema.options.map((option) => option.shape.kind.value),
);

type CountedRecord = Extract<RunFileRecord, { kind: ProgressRecord["kind"] }>;

function isCounted(record: RunFileRecord): record is CountedRecord {
  return PROGRESS_KINDS.has(record.kind);
}

/** How far a configuration got. Medians are over completed trials; null if there are none. */
export interface ConfigurationProgress
  extends Readonly<Record<LoadListKey, number | null>>,
    Readonly<Medians> {
  readonly id: string;
  readonly label: string;
  readonly is_reference: boolean;
  /** `interrupted`: it began and has not ended; only the caller knows whether it still can. */
  readonly status: ConfigurationStatus;
  /** Code and message of the latest failure, or why it was not tried; null if all is well. */
  readonly problem: string | null;
  readonly trials_planned: number;
  readonly trials_completed: number;
  readonly trials_failed: number;
  /** Which kind of memory `median_peak_memory_bytes` is. */
  readonly memory_metric: MemoryMetric | null;
}

/** The progress of a run; takes its records in order. */
export class RunProgress {
  readonly #state = new RunState<ProgressRecord, ProgressFailure>();

  #current: string | null = null;

  add(record: ProgressRecord): void {
    this.#state.add(record);
    if ("configuration_id" in record) this.#current = record.configuration_id;
  }

  /** Id of the configuration that the newest record belongs to; with several rounds, others have begun as well. */
  get current(): string | null {
    return this.#current;
  }

  /** Adds any record, as returned by the strict reader. */
  addRecord(record: RunFileRecord): void {
    if (isCounted(record)) this.add(record);
    else this.sawRecordAt(record.at);
  }

  /** Notes the time of a record that is not counted: it still shows that the run went on until then. */
  sawRecordAt(at: string): void {
    this.#state.sawRecordAt(at);
  }

  /** Null before the run record. */
  get run(): Of<"run"> | null {
    return this.#state.run;
  }

  /** Null while the run is in progress, and if its controller was killed. */
  get end(): Of<"run_end"> | null {
    return this.#state.end;
  }

  /** Seconds over all its parts: each part's own time if it ended, else the time up to its last record; null without records. */
  get elapsedSec(): number | null {
    return this.#state.elapsedSec;
  }

  /** What the records lack although no line is damaged, one sentence each. */
  findGaps(): readonly string[] {
    const { run } = this;
    if (run === null) return [];
    return findRecordGaps(this.#state, run);
  }

  /** As planned, in order of running. */
  configurations(): readonly ConfigurationProgress[] {
    const { run } = this;
    if (run === null) return [];
    const trialsEach = countTrialsEach(run.plan, run.prompts.length);
    return run.configurations
      .toSorted((a, b) => a.index - b.index)
      .map(({ worker, is_reference }) => ({
        id: worker.id,
        label: worker.label,
        is_reference,
        ...describeProgress(this.#state.configuration(worker.id), trialsEach, run.plan.rounds),
      }));
  }
}

function describeProgress(
  state: ConfigurationState<ProgressRecord, ProgressFailure>,
  trialsEach: number,
  rounds: number,
): Omit<ConfigurationProgress, "id" | "label" | "is_reference"> {
  const { trials } = state;
  const outcome = state.readOutcome(rounds);
  const measured = trials.flatMap(({ measurement }) => measurement ?? []);
  const quiet = trials.flatMap(({ measurement, disturbed_by }) =>
    (disturbed_by ?? []).length > 0 ? [] : (measurement ?? []),
  );
  const load = state.load?.load ?? null;
  const isAuto = outcome?.repeats_end !== undefined && outcome.repeats_end !== "as-planned";
  return {
    status: state.readStatus(rounds),
    problem: describeProblem(outcome, trials),
    trials_planned: isAuto ? trials.length : trialsEach + state.countFurtherTrials(rounds),
    trials_completed: measured.length,
    trials_failed: trials.length - measured.length,
    ...readLoadList({ load, proof: load?.proof ?? null, proof_after: outcome?.proof_after ?? null }),
    memory_metric: chooseMemoryMetric(measured),
    ...nameMedians((metric) => computeMedian(listTrialValues(metric, measured, quiet))),
  };
}

function describeProblem(outcome: Of<"configuration"> | null, trials: readonly Of<"trial">[]): string | null {
  const failure = outcome?.failure ?? trials.findLast((trial) => trial.failure !== undefined)?.failure;
  return failure === undefined ? (outcome?.reason ?? null) : `${failure.code}: ${failure.message}`;
}
