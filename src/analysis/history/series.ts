/** One metric of one configuration over the runs, split where values can no longer be compared. */

import { canonicalJson } from "../../base/json.js";
import type { PlanConfiguration, PlanHeader } from "../../plan/plan-types.js";
import { describeQuantization } from "../../quantization/registry.js";
import { carryTraits, findMachineDifferences } from "../../run/identity.js";
import type { RunRecord } from "../../run/record-types.js";
import type { Traits } from "../../run/traits.js";
import {
  modelChanges,
  readWorkload,
  type Workload,
  workloadDifferences,
} from "../compare/environment-diff.js";
import type { Asked, Reason } from "../compare/reasons.js";
import { HISTORY_METRICS, type HistoryMetric, type HistoryValue } from "./metrics.js";
import type { ConfigurationValues, RunValues } from "./run-values.js";

/** One run; lists of these are in order of time. */
export interface HistoryRun {
  readonly run_id: string;
  /** UTC, ISO 8601. */
  readonly started_at: string;
  /** As in the index of runs: completed, partly_failed, …, running, killed, damaged. */
  readonly status: string;
  /** Null if the records cannot be read. */
  readonly runValues: RunValues | null;
}

/** One run in a series. */
export interface SeriesPoint {
  /** Index into the runs. */
  readonly run: number;
  /** Null if the run did not measure all of this configuration, because its median would be over other trials. */
  readonly metricValue: HistoryValue | null;
  /** Status of the configuration in this run: completed, failed, killed, … */
  readonly status: string;
}

/** Runs in a row whose values can be compared. */
export interface Segment {
  /** Why it cannot be compared with the segment before it. Empty for the first segment. */
  readonly reasons: readonly Reason[];
  readonly points: readonly SeriesPoint[];
}

export interface Series {
  /** Label of the configuration. */
  readonly configuration: string;
  readonly metric: HistoryMetric;
  /** Title for people, with the kind of memory or the text's id. */
  readonly title: string;
  readonly text_id: string | null;
  readonly segments: readonly Segment[];
}

/**
 * Returns a series for each metric that any run measured, configuration by configuration, those of the newest run first. `runs`
 * must be in order of time.
 */
export function buildSeries(runs: readonly HistoryRun[]): readonly Series[] {
  const labels = new Set(
    runs.toReversed().flatMap(({ runValues }) => runValues?.configurations.map(({ label }) => label) ?? []),
  );
  const tasks = new Map<PlanConfiguration, Task>();
  const traits = carryTraits(runs.map(({ runValues }) => runValues?.surroundings.environment ?? null));
  return [...labels].flatMap((label) => {
    const sources = runs.flatMap((run, index) => findSource(run, index, label, tasks));
    return HISTORY_METRICS.flatMap((metric) =>
      listTexts(sources, metric).flatMap((textId) => {
        const points = sources.flatMap((source) => buildPoint(source, metric, textId));
        if (!points.some(({ metricValue }) => metricValue !== null)) return [];
        const name = points.findLast(({ work }) => work !== null)?.work?.kind || metric.title;
        const title = textId === null ? name : `${name} (${textId})`;
        return [
          { configuration: label, metric, title, text_id: textId, segments: splitSegments(points, traits) },
        ];
      }),
    );
  });
}

/** One configuration in one run. */
interface Source {
  readonly run: number;
  readonly status: string;
  /** Null if not all of it was measured. */
  readonly whole: {
    readonly configuration: ConfigurationValues;
    readonly workload: Workload;
    readonly asked: Asked;
    readonly plan: PlanHeader;
  } | null;
}

/** What a configuration was planned to do. */
interface Task {
  readonly workload: Workload;
  readonly asked: Asked;
}

/** Runs with the same plan share its objects, so each object is described only once. */
function findTask(run: RunRecord, planned: PlanConfiguration, known: Map<PlanConfiguration, Task>): Task {
  const task = known.get(planned) ?? {
    workload: readWorkload(run, planned, null),
    asked: readAsked(planned),
  };
  known.set(planned, task);
  return task;
}

/**
 * Empty for a run that was not meant to measure this configuration. A run that cannot be read may have been, so it gets a source
 * without values.
 */
function findSource(
  { runValues, status }: HistoryRun,
  run: number,
  label: string,
  tasks: Map<PlanConfiguration, Task>,
): readonly Source[] {
  if (runValues === null) return [{ run, status, whole: null }];
  const configuration = runValues.configurations.find((one) => one.label === label);
  const planned = runValues.run.configurations.find(({ worker }) => worker.label === label);
  if (configuration === undefined || planned === undefined) return [];
  // It was measured only once, by the run that it was reused from: a second point would not be a second measurement.
  if (configuration.reused_from !== null) return [];
  const isWhole =
    configuration.status === "completed" && configuration.trials_completed >= configuration.trials_planned;
  if (!isWhole) return [{ run, status: unfinishedStatus(status, configuration.status), whole: null }];
  const { workload, asked } = findTask(runValues.run, planned, tasks);
  const whole = {
    configuration,
    workload: {
      ...workload,
      parameters: configuration.parameters,
      fingerprints: configuration.fingerprints,
      settings: configuration.generation_settings,
    },
    asked,
    plan: runValues.run.plan,
  };
  return [{ run, status: "completed", whole }];
}

function listTexts(sources: readonly Source[], metric: HistoryMetric): readonly (string | null)[] {
  if (!metric.isOfText) return [null];
  const texts = sources.toReversed().flatMap(({ whole }) => whole?.configuration.quality ?? []);
  return [...new Set(texts.map(({ text_id }) => text_id))];
}

interface TellingPoint extends SeriesPoint {
  readonly work: Work | null;
}

interface Work {
  readonly workload: Workload;
  /** What the configuration was asked to be, because the same label may stand for something else tomorrow. */
  readonly asked: Asked;
  readonly kind: string;
  /** Identifies the scored text and how it was scored; empty for other metrics. */
  readonly text: string;
}

function buildPoint(
  { run, status, whole }: Source,
  metric: HistoryMetric,
  textId: string | null,
): readonly TellingPoint[] {
  if (whole === null) return [{ run, metricValue: null, status, work: null }];
  const metricValue = metric.readValue(whole.configuration, textId);
  // A metric that this run did not measure at all (on another device, or for a text that was added later) is not a failure.
  if (metricValue === null) return [];
  const work = {
    workload: whole.workload,
    asked: whole.asked,
    kind: metric.describeKind(whole.configuration),
    text: textId === null ? "" : identifyText(whole.plan, textId),
  };
  return [{ run, metricValue, status, work }];
}

/** An `interrupted` configuration may belong to a killed run or to one in progress, so the run's own status says more. */
function unfinishedStatus(run: string, configuration: string): string {
  if (configuration === "completed") return "partly_failed";
  const isOpen = configuration === "interrupted" || configuration === "not_run";
  return isOpen && (run === "running" || run === "killed") ? run : configuration;
}

function readAsked({ worker }: PlanConfiguration): Asked {
  const { quantization, dtype, device, attention } = worker;
  return { quantization: describeQuantization(quantization), dtype, device, attention };
}

function identifyText({ quality }: PlanHeader, textId: string): string {
  const sha256 = quality?.texts.find(({ id }) => id === textId)?.sha256;
  return JSON.stringify([sha256, quality?.context, quality?.max_tokens]);
}

/** `traits` are those of each run's machine, by the run's index. */
function splitSegments(
  points: readonly TellingPoint[],
  traits: readonly (Traits | null)[],
): readonly Segment[] {
  const segments: { reasons: readonly Reason[]; points: SeriesPoint[] }[] = [{ reasons: [], points: [] }];
  let before: { readonly work: Work; readonly traits: Traits | null } | null = null;
  for (const { run, metricValue, status, work } of points) {
    const now = work === null ? null : { work, traits: traits[run] ?? null };
    const reasons =
      before === null || now === null
        ? []
        : [...reasonsBetween(before.work, now.work), ...machineReasons(before.traits, now.traits)];
    if (reasons.length > 0) segments.push({ reasons, points: [] });
    segments.at(-1)?.points.push({ run, metricValue, status });
    before = now ?? before;
  }
  return segments;
}

function reasonsBetween(before: Work, now: Work): readonly Reason[] {
  const reasons: Reason[] = [
    ...workloadDifferences(before.workload, now.workload),
    ...modelChanges(before.workload, now.workload),
  ];
  if (before.asked !== now.asked && canonicalJson(before.asked) !== canonicalJson(now.asked)) {
    reasons.push({ kind: "asked", before: before.asked, after: now.asked });
  }
  if (before.kind !== now.kind) reasons.push({ kind: "memory", before: before.kind, after: now.kind });
  if (before.text !== now.text) reasons.push({ kind: "scoring" });
  return reasons;
}

/** Why two runs count as measured on different machines, whose figures do not continue the same series. */
function machineReasons(before: Traits | null, now: Traits | null): readonly Reason[] {
  if (before === null || now === null || before === now) return [];
  return findMachineDifferences(before, now).map(({ what, values: [old = null, today = null] }) => ({
    kind: "changed",
    what,
    before: old,
    after: today,
  }));
}
