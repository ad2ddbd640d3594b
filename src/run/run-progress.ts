/**
 * What a run has come to, record by record: who was measured how often, and the medians so far. Lenient where the reader is
 * strict: it serves lists and pages that follow a run, so it takes only what it shows and never judges the rest.
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
import type { RunFileRecord } from "./record-types.js";
import type { ConfigurationStatus } from "./run-data.js";

const nullableNumber = z.number().nullable().default(null);
/** Keys of a trial's measurement that lists show. */
const TRIAL_KEYS = LIST_METRICS.flatMap(listSources).map((key) => ({ key }));
const failureSchema = z.object({ code: z.string(), message: z.string(), next: z.string() });
const ofConfiguration = { at: z.string(), configuration_id: z.string() };

/** The records that progress is made of, and of each only what is needed; every record of the reader is one of these. */
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
  /** What follows is of another process, perhaps of another day. */
  z.object({ kind: z.literal("resume"), at: z.string() }),
  z.object({
    kind: z.literal("load"),
    ...ofConfiguration,
    round: z.number().default(0),
    load: z.object({
      ...shapeOf(listedFrom("load"), nullableNumber),
      proof: z.object(shapeOf(listedFrom("proof"), nullableNumber)),
    }),
  }),
  z.object({
    kind: z.literal("trial"),
    ...ofConfiguration,
    round: z.number().default(0),
    trial_id: z.string(),
    status: z.enum(["completed", "failed"]),
    measurement: z.object(shapeOf(TRIAL_KEYS, nullableNumber)).optional(),
    failure: failureSchema.optional(),
  }),
  z.object({
    kind: z.literal("configuration"),
    ...ofConfiguration,
    round: z.number().default(0),
    status: z.enum(["completed", "failed", "cancelled", "skipped"]),
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

/** The kinds of `ProgressRecord`: a line of another kind need not be parsed. */
export const PROGRESS_KINDS: ReadonlySet<string> = new Set(
  progressRecordSchema.options.map((option) => option.shape.kind.value),
);

type CountedRecord = Extract<RunFileRecord, { kind: ProgressRecord["kind"] }>;

function isCounted(record: RunFileRecord): record is CountedRecord {
  return PROGRESS_KINDS.has(record.kind);
}

/** A configuration as far as it got. Medians are over completed trials; null where there is none. */
export interface ConfigurationProgress
  extends Readonly<Record<LoadListKey, number | null>>,
    Readonly<Medians> {
  readonly id: string;
  readonly label: string;
  readonly is_reference: boolean;
  /** `interrupted`: it began and has not ended; whether it still can is for the caller to know. */
  readonly status: ConfigurationStatus;
  /** Code and message of what failed last, or why it was not tried; null while all is well. */
  readonly problem: string | null;
  readonly trials_planned: number;
  readonly trials_completed: number;
  readonly trials_failed: number;
  /** What `median_peak_memory_bytes` is. */
  readonly memory_metric: MemoryMetric | null;
}

/** Takes a run's records in order. */
export class RunProgress {
  #run: Of<"run"> | null = null;
  #end: Of<"run_end"> | null = null;
  #lastAt: string | null = null;
  /** Of the parts before the last `resume`. */
  #earlierSec = 0;
  #partBegan: string | null = null;
  readonly #own = new Map<string, OwnRecords>();

  add(record: ProgressRecord): void {
    if (record.kind === "run" || record.kind === "resume") {
      this.#earlierSec += this.partSec();
      this.#partBegan = record.at;
    }
    this.sawRecordAt(record.at);
    if (record.kind === "run") this.#run ??= record;
    else if (record.kind === "run_end") this.#end = record;
    else if (record.kind !== "resume") this.findOwn(record.configuration_id).add(record);
  }

  /** Any record, as the strict reader gives it. */
  addRecord(record: RunFileRecord): void {
    if (isCounted(record)) this.add(record);
    else this.sawRecordAt(record.at);
  }

  /** A record of a kind that is not counted still tells that the run went on until then. */
  sawRecordAt(at: string): void {
    this.#lastAt = at;
    // A run that goes on after its end has not ended.
    this.#end = null;
  }

  /** Null before the run record. */
  get run(): Of<"run"> | null {
    return this.#run;
  }

  /** Null while the run goes on, and where its controller was killed. */
  get end(): Of<"run_end"> | null {
    return this.#end;
  }

  /** Over all its parts, each by its own time where it ended, else to its last record; null without records. */
  get elapsedSec(): number | null {
    return this.#run === null ? null : this.#earlierSec + this.partSec();
  }

  private partSec(): number {
    if (this.#end !== null) return this.#end.elapsed_sec;
    if (this.#partBegan === null || this.#lastAt === null) return 0;
    const seconds = (Date.parse(this.#lastAt) - Date.parse(this.#partBegan)) / 1000;
    return Number.isFinite(seconds) ? Math.max(0, seconds) : 0;
  }

  /** As planned, in order of running. */
  configurations(): readonly ConfigurationProgress[] {
    const run = this.#run;
    if (run === null) return [];
    const trialsEach = run.prompts.length * run.plan.repeats * run.plan.rounds;
    return run.configurations
      .toSorted((a, b) => a.index - b.index)
      .map(({ worker, is_reference }) => ({
        id: worker.id,
        label: worker.label,
        is_reference,
        ...this.findOwn(worker.id).progress(trialsEach, run.plan.rounds),
      }));
  }

  private findOwn(id: string): OwnRecords {
    const known = this.#own.get(id) ?? new OwnRecords();
    this.#own.set(id, known);
    return known;
  }
}

/** What is known of one configuration. */
class OwnRecords {
  readonly #trials = new Map<string, Of<"trial">>();
  #load: Of<"load"> | null = null;
  #hasBegun = false;
  /** By round. */
  readonly #outcomes = new Map<number, Of<"configuration">>();

  add(record: Of<"load"> | Of<"trial"> | Of<"configuration">): void {
    // What was run again counts once: as it went the last time. An attempt that began after an end has none yet.
    if (record.kind === "trial") this.#trials.set(record.trial_id, record);
    else if (record.kind === "load" && record.round === 0) this.#load = record;
    if (record.kind === "configuration") this.#outcomes.set(record.round, record);
    else this.#outcomes.delete(record.round);
    this.#hasBegun = true;
  }

  progress(trialsEach: number, rounds: number): Omit<ConfigurationProgress, "id" | "label" | "is_reference"> {
    const trials = [...this.#trials.values()];
    const measured = trials.flatMap(({ measurement }) => measurement ?? []);
    const load = this.#load?.load ?? null;
    const parts = { load, proof: load?.proof ?? null, proof_after: null };
    const outcome = this.outcome();
    const isAuto = outcome?.repeats_end !== undefined && outcome.repeats_end !== "as-planned";
    return {
      status: this.status(rounds),
      problem: this.problem(trials),
      trials_planned: isAuto ? trials.length : trialsEach,
      trials_completed: measured.length,
      trials_failed: trials.length - measured.length,
      ...readLoadList(parts),
      memory_metric: chooseMemoryMetric(measured),
      ...nameMedians((metric) => computeMedian(listTrialValues(metric, measured))),
    };
  }

  /** Of several rounds' outcomes the one that says most. */
  private outcome(): Of<"configuration"> | undefined {
    const outcomes = [...this.#outcomes.values()];
    const order = ["failed", "cancelled", "skipped", "completed"];
    return outcomes.sort((a, b) => order.indexOf(a.status) - order.indexOf(b.status))[0];
  }

  private status(rounds: number): ConfigurationStatus {
    const outcome = this.outcome();
    if (outcome === undefined) return this.#hasBegun ? "interrupted" : "not_run";
    const isCutOff = outcome.status === "completed" && this.#outcomes.size < rounds;
    return isCutOff ? "interrupted" : outcome.status;
  }

  private problem(trials: readonly Of<"trial">[]): string | null {
    const outcome = this.outcome();
    const failure = outcome?.failure ?? trials.findLast((trial) => trial.failure !== undefined)?.failure;
    return failure === undefined ? (outcome?.reason ?? null) : `${failure.code}: ${failure.message}`;
  }
}
