/** Compares runs or configurations side by side; render/words/compare-report.ts makes a report of it. */
import { pickMachineDifferences, type TraitDifference } from "../../run/identity.js";
import {
  configurationDifferences,
  type Difference,
  findObstacles,
  findSettingsDifference,
  readEffectiveSettings,
} from "./environment-diff.js";
import { type Metric, type MetricRatio, type MetricValue, metricsFor, trialPairs } from "./metrics.js";
import type { SettingsDifference } from "./reasons.js";
import type { Group, Side } from "./sides.js";

/** Lists have an item per side; the first is the baseline's. */
export interface MetricFigures extends Pick<Metric, "key" | "title" | "better" | "unit"> {
  readonly values: readonly (MetricValue | null)[];
  /** Ratios to the baseline; null for the baseline itself, and if there is nothing to compare. */
  readonly against: readonly (MetricRatio | null)[];
}

export interface GroupFigures {
  readonly differences: readonly Difference[];
  readonly settings: SettingsDifference | null;
  readonly metrics: readonly MetricFigures[];
  /** How many answers have the same tokens as the baseline's, out of those that both gave. */
  readonly answersEqual: readonly ({ readonly equal: number; readonly pairs: number } | null)[];
}

export function compareGroup({ sides }: Group): GroupFigures {
  const [baseline] = sides;
  const compareEach = <T>(compare: (side: Side, baseline: Side) => T | null) =>
    sides.map((side) => (baseline === undefined || side === baseline ? null : compare(side, baseline)));
  return {
    differences: configurationDifferences(sides),
    settings: findSettingsDifference(sides.map(({ configuration }) => readEffectiveSettings(configuration))),
    metrics: metricsFor(sides).map(({ key, title, better, unit, readValue, computeRatio }) => ({
      key,
      title,
      better,
      unit,
      values: sides.map(readValue),
      against: compareEach(computeRatio),
    })),
    answersEqual: compareEach(countEqualAnswers),
  };
}

/** Null if too little is recorded to tell. */
export function isSameMachine(differences: readonly TraitDifference[]): boolean | null {
  if (pickMachineDifferences(differences).length > 0) return false;
  return differences.some(({ part, isKnown }) => part === "machine" && !isKnown) ? null : true;
}

/** What makes it meaningless to compare sides with their baseline. */
export function listObstacles({ sides: [baseline, ...others] }: Group) {
  if (baseline === undefined) return [];
  return others.flatMap((other) =>
    findObstacles(baseline, other).map((reason) => ({ side: other.name, baseline: baseline.name, reason })),
  );
}

function countEqualAnswers(side: Side, baseline: Side) {
  const pairs = trialPairs(side, baseline);
  const equal = pairs.filter(
    ([own, other]) => own.measurement.output_ids_sha256 === other.measurement.output_ids_sha256,
  );
  return { equal: equal.length, pairs: pairs.length };
}
