/** Whether the newest run breaks a condition, and what the answer rests on. */
import type { FailCondition } from "./fail-on.js";
import type { Check, HistorySeries, NewestValue, Outcome } from "./history-types.js";

/** Returns one check for each condition and each series of the condition's metric. */
export function evaluateChecks(
  conditions: readonly FailCondition[],
  series: readonly HistorySeries[],
): readonly Check[] {
  return conditions.flatMap((condition) =>
    series
      .filter(({ metric }) => metric === condition.metric.key)
      .map((one) => ({
        condition: condition.text,
        configuration: one.configuration,
        metric: one.metric,
        title: one.title,
        ...judged(condition, one.newest),
      })),
  );
}

function judged(condition: FailCondition, newest: NewestValue | null): Pick<Check, "outcome" | "newest"> {
  if (newest === null || !newest.is_of_newest_run) return { outcome: "no-figure", newest };
  return { outcome: judgeOutcome(condition, newest), newest };
}

function judgeOutcome({ limit, operator }: FailCondition, newest: NewestValue): Outcome {
  if (newest.is_disturbed) return "disturbed";
  const isBeyond = (value: number, bound: number) => (operator === "<" ? value < bound : value > bound);
  const nearest = <V>(low: V, high: V) => (operator === "<" ? high : low);
  const { against, value } = newest;
  // A limit on the value itself needs no history: the run's own measurement is either beyond it or not.
  if (limit.kind === "value") {
    if (!isBeyond(value, limit.value)) return "within-limit";
    const end = nearest(newest.own_low, newest.own_high);
    return end === null || isBeyond(end, limit.value) ? "regression" : "within-noise";
  }
  if (against === null) return "too-few-runs";
  if (newest.is_exact) return isBeyond(against.ratio, limit.ratio) ? "regression" : "within-limit";
  if (against.verdict === "too-few-runs") return "too-few-runs";
  if (!isBeyond(against.ratio, limit.ratio)) return "within-limit";
  const end = nearest(against.ci95_low, against.ci95_high);
  return end !== null && isBeyond(end, limit.ratio) ? "regression" : "within-noise";
}
