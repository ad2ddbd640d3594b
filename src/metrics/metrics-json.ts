/** What readers in other languages need from the registry: `metrics.json`, which `npm run schemas` writes for Python. */
import type { LoadMetric, TextMetric, TrialMetric } from "./metric.js";
import { listSources, loadMetrics, textMetrics, trialMetrics } from "./registry.js";

interface JsonMetric {
  readonly key: string;
  readonly of: "trial" | "load" | "text";
  readonly unit: string | null;
  readonly better: "lower" | "higher" | null;
  /**
   * Keys that lead to it in a record's body (a trial's `measurement`, a load's `load`). Null if it is not stored under fixed keys
   * there.
   */
  readonly record: readonly string[] | null;
  /**
   * Keys that lead to it in an entry of summary.json, or for a text metric in an entry of its `quality`. Null if it is not there.
   */
  readonly summary: readonly string[] | null;
  readonly mlflow: boolean;
  /** Whether other work on the machine affects it, so that it is taken from undisturbed trials only, if there are any. */
  readonly timed: boolean;
  /** Keys of a trial's measurement that may hold it: the first one that any trial of the configuration has is used. */
  readonly sources: readonly string[];
}

/** Where a metric of a load is in the records: `from` and `field` as in its entry. */
interface JsonLoadPlace {
  readonly key: string;
  readonly from: LoadMetric["from"];
  readonly field: string;
}

/** Every metric that is a number, in the order of the registry; `loads` has those that are columns of a table as well. */
export function describeMetrics(): {
  readonly loads: readonly JsonLoadPlace[];
  readonly metrics: readonly JsonMetric[];
} {
  return {
    loads: loadMetrics
      .filter(({ unit, column }) => unit !== null || column !== undefined)
      .map(({ key, from, field = key }) => ({ key, from, field })),
    metrics: [
      ...trialMetrics.map((metric) =>
        describe(
          metric,
          "trial",
          metric.sources === undefined ? [metric.key] : null,
          metric.summary === undefined ? null : [metric.key, "median"],
        ),
      ),
      ...loadMetrics.map((metric) => describe(metric, "load", loadPath(metric), summaryPath(metric))),
      ...textMetrics.map((metric) => describe(metric, "text", null, metric.path)),
    ].filter(({ unit }) => unit !== null),
  };
}

const summaryPath = ({ key, summary }: LoadMetric) => (summary === undefined ? null : [key]);

function loadPath({ key, from, field = key }: LoadMetric): readonly string[] | null {
  if (from === "proof_after" || from === "running") return null;
  return from === "proof" ? ["proof", field] : [field];
}

function describe(
  metric: TrialMetric | LoadMetric | TextMetric,
  of: JsonMetric["of"],
  record: JsonMetric["record"],
  summary: JsonMetric["summary"],
): JsonMetric {
  const { key, unit, better, shown } = metric;
  const timed = "isTimed" in metric && metric.isTimed === true;
  const sources = of === "trial" ? listSources(metric as TrialMetric) : [];
  return { key, of, unit, better, record, summary, mlflow: shown?.mlflow ?? false, timed, sources };
}
