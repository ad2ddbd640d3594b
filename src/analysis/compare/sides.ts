/** What is compared: configurations of runs, matched by label. */

import { didYouMean } from "../../base/did-you-mean.js";
import { FalconError } from "../../base/errors.js";
import { ExitCode } from "../../base/exit-codes.js";
import type { ConfigurationData, RunData } from "../../run/run-data.js";

/** One argument of `compare`: a run, or one configuration of it. */
export interface CompareInput {
  /** As it was written. */
  readonly argument: string;
  readonly data: RunData;
  /** Label or id. Null for the whole run. */
  readonly configuration: string | null;
}

export interface Side {
  /** Unique among the sides, for use in tables. */
  readonly name: string;
  readonly data: RunData;
  readonly configuration: ConfigurationData;
}

/** Sides that are compared with each other; the first is the baseline. */
export interface Group {
  readonly label: string;
  readonly sides: readonly Side[];
}

export interface Groups {
  readonly groups: readonly Group[];
  /** Configurations that only some of the runs have. */
  readonly unpaired: readonly string[];
}

/** `quant#fp4` → run and configuration. */
export function splitArgument(argument: string): {
  readonly run: string;
  readonly configuration: string | null;
} {
  const at = argument.lastIndexOf("#");
  if (at <= 0) return { run: argument, configuration: null };
  return { run: argument.slice(0, at), configuration: argument.slice(at + 1) };
}

/**
 * Whole runs are matched configuration by configuration, by label. As soon as one argument names a single configuration, every
 * argument must name one. Throws FalconError `compare-mixed`, `compare-configuration-unknown`, `compare-nothing-shared`.
 */
export function groupSides(inputs: readonly CompareInput[]): Groups {
  const named = inputs.filter(({ configuration }) => configuration !== null).length;
  if (named === inputs.length) {
    const sides = uniquelyNamed(inputs.map((input) => findSide(input, input.configuration ?? "")));
    return { groups: [{ label: sides.map(({ name }) => name).join(" · "), sides }], unpaired: [] };
  }
  if (named > 0) {
    throw refuse(
      "compare-mixed",
      "Some arguments name a configuration and others a whole run.",
      "Name a configuration in each (RUN#LABEL), or in none.",
    );
  }
  const listLabels = ({ data }: CompareInput) => data.configurations.map(({ plan }) => plan.worker.label);
  const all = [...new Set(inputs.flatMap(listLabels))];
  const shared = all.filter((label) => inputs.every((input) => listLabels(input).includes(label)));
  if (shared.length === 0) {
    throw refuse(
      "compare-nothing-shared",
      `The runs have no configuration in common: ${inputs.map((input) => someOf(listLabels(input))).join(" | ")}.`,
      "Compare single configurations: RUN#LABEL.",
    );
  }
  return {
    groups: shared.map((label) => ({
      label,
      sides: uniquelyNamed(inputs.map((input) => ({ ...findSide(input, label), name: input.argument }))),
    })),
    unpaired: all.filter((label) => !shared.includes(label)),
  };
}

const MOST_LABELS = 5;

function someOf(labels: readonly string[]): string {
  const more = labels.length - MOST_LABELS;
  return `${labels.slice(0, MOST_LABELS).join(", ")}${more > 0 ? ` and ${more} more` : ""}`;
}

function findSide(input: CompareInput, wanted: string): Side {
  const { configurations } = input.data;
  const found = configurations.find(
    ({ plan: { worker } }) => worker.label === wanted || worker.id === wanted,
  );
  if (found !== undefined) return { name: input.argument, data: input.data, configuration: found };
  const labels = configurations.map(({ plan }) => plan.worker.label);
  const near = didYouMean(wanted, labels);
  throw refuse(
    "compare-configuration-unknown",
    `The run ${input.data.run.run_id} has no configuration ${JSON.stringify(wanted)}.`,
    near === null ? `It has: ${labels.slice(0, 20).join(", ")}.` : `Did you mean ${near}?`,
  );
}

/** Numbers the sides of repeated arguments, so that they can be told apart in tables. */
function uniquelyNamed(sides: readonly Side[]): readonly Side[] {
  return sides.map((side, index) => {
    const before = sides.slice(0, index).filter(({ name }) => name === side.name).length;
    return before === 0 ? side : { ...side, name: `${side.name} (${before + 1})` };
  });
}

type CompareCode = "compare-mixed" | "compare-configuration-unknown" | "compare-nothing-shared";

function refuse(code: CompareCode, message: string, next: string): FalconError {
  return new FalconError({ code, message, next, exitCode: ExitCode.usage });
}
