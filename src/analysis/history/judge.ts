/** Whether the newest run breaks a condition, and what the answer rests on. */
import type { FailCondition } from "./fail-on.js";
import type { Check, HistorySeries, NewestValue, Outcome } from "./history-types.js";

/** One check a condition and configuration that has the metric. */
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
  const isBeyond = (value: number, bound: number) => (operator === "<" ? value < bound : value > bound);
  const { against, value } = newest;
  // A value is judged as the change that would lead to it, so that both kinds of limit stand on one interval.
  const point = limit.kind === "value" ? value : (against?.ratio ?? null);
  const bound = limit.kind === "value" ? limit.value : limit.ratio;
  if (newest.is_exact && point !== null) return isBeyond(point, bound) ? "regression" : "within-limit";
  if (point === null || against === null || against.verdict === "too-few-runs") return "too-few-runs";
  if (!isBeyond(point, bound)) return "within-limit";
  const scale = point / against.ratio;
  const nearest = operator === "<" ? against.ci95_high : against.ci95_low;
  return nearest !== null && isBeyond(nearest * scale, bound) ? "regression" : "within-noise";
}
