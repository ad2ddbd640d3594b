/** Compares runs or configurations side by side. Depends on their records alone. */
import { FalconError } from "../../base/errors.js";
import { ExitCode } from "../../base/exit-codes.js";
import { pickMachineDifferences, type TraitDifference } from "../../run/identity.js";
import { completedTrials, findRunningProof } from "../../run/run-data.js";
import { statusText } from "../status-text.js";
import {
  configurationDifferences,
  type Difference,
  environmentDifferences,
  incomparable,
  pickSurroundings,
} from "./environment-diff.js";
import { type MetricRatio, type MetricValue, metricsFor, trialPairs } from "./metrics.js";
import { type CompareInput, type Group, groupSides, type Side } from "./sides.js";

export const COMPARE_SCHEMA_VERSION = 1;

export type ComparedRatio = MetricRatio;

export interface ComparedMetric {
  readonly key: string;
  readonly title: string;
  readonly better: "lower" | "higher";
  /** One per side; the first is the baseline's. */
  readonly values: readonly (MetricValue | null)[];
  /** The same values, formatted for people. */
  readonly texts: readonly (string | null)[];
  /** Ratios to the baseline, one per side; null for the baseline itself, and if there is nothing to compare. */
  readonly against: readonly (ComparedRatio | null)[];
}

export interface ComparedSide {
  readonly name: string;
  readonly run_id: string;
  readonly experiment: string;
  readonly configuration: string;
  /** Dtype of the model that was loaded. Null if none was. */
  readonly dtype: string | null;
  readonly status: string;
  readonly trials_completed: number;
}

export interface ComparedGroup {
  readonly label: string;
  readonly sides: readonly ComparedSide[];
  readonly differences: readonly Difference[];
  readonly metrics: readonly ComparedMetric[];
  /** One per side: how many answers have the same tokens as the baseline's, out of those that both gave. */
  readonly answers_equal: readonly ({ readonly equal: number; readonly pairs: number } | null)[];
}

export interface CompareReport {
  readonly schema_version: typeof COMPARE_SCHEMA_VERSION;
  readonly arguments: readonly string[];
  /** Why the sides should not be compared; empty unless forced. */
  readonly forced: readonly string[];
  readonly environment: readonly Difference[];
  /** Names of the properties that only some of the runs recorded, so that they may be the same. */
  readonly unrecorded: readonly string[];
  /** Null if too little is recorded to tell. */
  readonly is_same_machine: boolean | null;
  readonly groups: readonly ComparedGroup[];
  readonly unpaired: readonly string[];
}

/** Throws FalconError `compare-incomparable` unless `force` is set, and the errors of `groupSides`. */
export function compare(
  inputs: readonly CompareInput[],
  options: { readonly force: boolean },
): CompareReport {
  const { groups, unpaired } = groupSides(inputs);
  const reasons = [...new Set(groups.flatMap(reasonsAgainst))];
  if (reasons.length > 0 && !options.force) {
    throw new FalconError({
      code: "compare-incomparable",
      message: `These cannot be compared:\n${reasons.map((reason) => `  ${reason}`).join("\n")}`,
      next: "Measure them with the same experiment, or compare anyway with --force.",
      exitCode: ExitCode.usage,
    });
  }
  const differences = environmentDifferences(inputs.map(({ data }) => pickSurroundings(data)));
  return {
    schema_version: COMPARE_SCHEMA_VERSION,
    arguments: inputs.map(({ argument }) => argument),
    forced: reasons,
    environment: differences.map(({ what, values }) => ({ what, values })),
    unrecorded: differences.flatMap(({ what, isKnown }) => (isKnown ? [] : [what])),
    is_same_machine: isSameMachine(differences),
    groups: groups.map(comparedGroup),
    unpaired,
  };
}

function isSameMachine(differences: readonly TraitDifference[]): boolean | null {
  if (pickMachineDifferences(differences).length > 0) return false;
  return differences.some(({ part, isKnown }) => part === "machine" && !isKnown) ? null : true;
}

function reasonsAgainst({ sides: [baseline, ...others] }: Group): readonly string[] {
  if (baseline === undefined) return [];
  return others.flatMap((other) =>
    incomparable(baseline, other).map((reason) => `${other.name}: ${reason} than ${baseline.name}`),
  );
}

function comparedGroup({ label, sides }: Group): ComparedGroup {
  const [baseline] = sides;
  return {
    label,
    sides: sides.map((side) => ({
      name: side.name,
      run_id: side.data.run.run_id,
      experiment: side.data.run.plan.experiment,
      configuration: side.configuration.plan.worker.label,
      dtype: findRunningProof(side.configuration)?.dtype ?? null,
      status: statusText(side.configuration),
      trials_completed: completedTrials(side.configuration).length,
    })),
    differences: configurationDifferences(sides),
    metrics: metricsFor(sides).map((metric): ComparedMetric => {
      const values = sides.map((side) => metric.readValue(side));
      const texts = values.map((value) => (value === null ? null : metric.format(value.value)));
      return {
        key: metric.key,
        title: metric.title,
        better: metric.better,
        values,
        texts,
        against: sides.map((side, index) =>
          baseline === undefined || side === baseline
            ? null
            : asShown(metric.computeRatio(side, baseline), texts[index] === texts[0]),
        ),
      };
    }),
    answers_equal: sides.map((side) =>
      baseline === undefined || side === baseline ? null : equalAnswers(side, baseline),
    ),
  };
}

/** A value is neither less nor more than one that is shown beside it as the same figure. */
function asShown(ratio: MetricRatio | null, isShownEqual: boolean): MetricRatio | null {
  const isJudged = ratio?.verdict === "less" || ratio?.verdict === "more";
  return ratio !== null && isJudged && isShownEqual ? { ...ratio, verdict: "same" } : ratio;
}

function equalAnswers(side: Side, baseline: Side) {
  const pairs = trialPairs(side, baseline);
  const equal = pairs.filter(
    ([own, other]) => own.measurement.output_ids_sha256 === other.measurement.output_ids_sha256,
  );
  return { equal: equal.length, pairs: pairs.length };
}
