/** What `falcon-exp compare --json` prints: runs or configurations side by side. Depends on their records alone. */
import {
  compareGroup,
  type GroupFigures,
  isSameMachine,
  listObstacles,
  type MetricFigures,
} from "../../analysis/compare/compare.js";
import {
  type Difference,
  environmentDifferences,
  pickSurroundings,
} from "../../analysis/compare/environment-diff.js";
import type { MetricRatio } from "../../analysis/compare/metrics.js";
import { type CompareInput, type Group, groupSides } from "../../analysis/compare/sides.js";
import { FalconError } from "../../base/errors.js";
import { ExitCode } from "../../base/exit-codes.js";
import { completedTrials, findRunningProof } from "../../run/run-data.js";
import { FORMATS } from "./metric-values.js";
import { describeReason, describeSettings, SETTINGS } from "./reasons.js";
import { describeStatus } from "./status.js";

export const COMPARE_SCHEMA_VERSION = 1;

export interface ComparedMetric extends Omit<MetricFigures, "unit"> {
  /** The values, formatted for people. */
  readonly texts: readonly (string | null)[];
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
  readonly answers_equal: GroupFigures["answersEqual"];
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
export function writeComparison(
  inputs: readonly CompareInput[],
  options: { readonly force: boolean },
): CompareReport {
  const { groups, unpaired } = groupSides(inputs);
  const obstacles = groups
    .flatMap(listObstacles)
    .map(({ side, baseline, reason }) => `${side}: ${describeReason(reason)} than ${baseline}`);
  const reasons = [...new Set(obstacles)];
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
    groups: groups.map(writeGroup),
    unpaired,
  };
}

function writeGroup(group: Group): ComparedGroup {
  const { differences, settings, metrics, answersEqual } = compareGroup(group);
  return {
    label: group.label,
    sides: group.sides.map(({ name, data, configuration }) => ({
      name,
      run_id: data.run.run_id,
      experiment: data.run.plan.experiment,
      configuration: configuration.plan.worker.label,
      dtype: findRunningProof(configuration)?.dtype ?? null,
      status: describeStatus(configuration),
      trials_completed: completedTrials(configuration).length,
    })),
    differences:
      settings === null
        ? differences
        : [...differences, { what: SETTINGS, values: describeSettings(settings) }],
    metrics: metrics.map(writeMetric),
    answers_equal: answersEqual,
  };
}

function writeMetric({ key, title, better, unit, values, against }: MetricFigures): ComparedMetric {
  const texts = values.map((value) => (value === null ? null : FORMATS[unit](value.value)));
  return {
    key,
    title,
    better,
    values,
    texts,
    against: against.map((ratio, side) => judgeShown(ratio, texts[side] === texts[0])),
  };
}

/** A value is neither less nor more than one that is shown beside it as the same figure. */
function judgeShown(ratio: MetricRatio | null, isShownEqual: boolean): MetricRatio | null {
  const isJudged = ratio?.verdict === "less" || ratio?.verdict === "more";
  return ratio !== null && isJudged && isShownEqual ? { ...ratio, verdict: "same" } : ratio;
}
