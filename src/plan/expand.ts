import { FalconError } from "../base/errors.js";
import { ExitCode } from "../base/exit-codes.js";
import { canonicalJson } from "../base/json.js";
import type { Experiment, IncludedCell, Match, Patch, Settings } from "../experiment/experiment.js";
import { DEFAULT_SAMPLING, NO_SAMPLING } from "../experiment/patches.js";

/** A sweep of this size runs for weeks; more is a typing mistake. */
const MAX_CONFIGURATIONS = 10_000;

/**
 * Every configuration of an experiment, in the order of running. Throws FalconError if there are none or too many, or if
 * something in the file has no effect. `isAsWritten`: no `--set` has changed the file, which could narrow the matrix.
 */
export function expand(experiment: Experiment, isAsWritten: boolean): readonly Settings[] {
  const combinations = experiment.matrix.reduce((product, axis) => product * axis.values.length, 1);
  refuseTooMany(combinations + experiment.include.length);
  let cells: readonly Settings[] = [experiment.base];
  for (const axis of experiment.matrix) {
    cells = cells.flatMap((cell) => axis.values.map((patch) => apply(cell, patch)));
  }
  if (isAsWritten) refuseIdleExcludes(experiment, cells);
  // An experiment that has only `include` has exactly those configurations.
  const isListed = experiment.matrix.length === 0 && experiment.include.length > 0;
  const kept = isListed
    ? []
    : cells.filter((cell) => !experiment.exclude.some((match) => matches(cell, match)));
  const listed = experiment.include.map((cell) => finished(included(cell, experiment)));
  const all = [...withoutRepeats(kept.map(finished)), ...listed];
  if (all.length === 0) {
    throw new FalconError({
      code: "plan-empty",
      message: "Nothing is left to measure: exclude removes every configuration.",
      next: "Remove or narrow an entry of exclude.",
      ...placed(experiment.exclude[0]?.place ?? null),
      exitCode: ExitCode.invalidExperiment,
    });
  }
  for (const cell of all) {
    checkTokens(cell);
    checkDecoding(cell, experiment);
  }
  refuseIdleSeeds(experiment, all);
  return all;
}

/** Keeps one of several cells that are equal once finished, such as `cache: auto` and `static` under `compile: forward`. */
function withoutRepeats(cells: readonly Settings[]): readonly Settings[] {
  const found = new Map<string, Settings>();
  for (const cell of cells) {
    const key = canonicalJson(cell);
    if (!found.has(key)) found.set(key, cell);
  }
  return [...found.values()];
}

function refuseIdleExcludes({ exclude }: Experiment, cells: readonly Settings[]): void {
  const idle = exclude.find((match) => !cells.some((cell) => matches(cell, match)));
  if (idle === undefined) return;
  throw new FalconError({
    code: "plan-exclude-idle",
    message: "This entry of exclude matches no configuration of the matrix.",
    next: "Correct its values, or remove it.",
    ...placed(idle.place),
    exitCode: ExitCode.invalidExperiment,
  });
}

/** Refuses several seeds if all answers are greedy and use no seed: equal configurations would be measured as different ones. */
function refuseIdleSeeds({ matrix }: Experiment, cells: readonly Settings[]): void {
  const seeds = matrix.find(({ name }) => name === "seed");
  if (seeds === undefined || seeds.values.length < 2) return;
  if (cells.some(({ sampling }) => sampling === "sample")) return;
  throw new FalconError({
    code: "plan-seed-idle",
    message: `matrix.seed makes ${seeds.values.length} configurations that are the same: greedy answers use no seed.`,
    next: "Add generation: {sampling: {temperature: 1}}, or write repeats: instead of seed.",
    exitCode: ExitCode.invalidExperiment,
  });
}

function refuseTooMany(count: number): void {
  if (count <= MAX_CONFIGURATIONS) return;
  throw new FalconError({
    code: "plan-too-large",
    message: `The matrix has ${count.toLocaleString("en")} configurations; at most ${MAX_CONFIGURATIONS.toLocaleString("en")} are allowed.`,
    next: "Remove values from the matrix, or split the experiment into several files.",
    exitCode: ExitCode.invalidExperiment,
  });
}

function included(cell: IncludedCell, experiment: Experiment): Settings {
  const named = new Set(cell.patches.map(({ name }) => name));
  let settings = experiment.base;
  for (const axis of experiment.matrix) {
    const first = axis.values[0];
    if (!named.has(axis.name) && first !== undefined) settings = apply(settings, first);
  }
  for (const { patch } of cell.patches) settings = apply(settings, patch);
  return settings;
}

function apply(settings: Settings, patch: Patch): Settings {
  return { ...settings, ...patch };
}

/** Settings that others imply: a compiled forward pass needs a cache of fixed size, so it gets a static one by default. */
function finished(settings: Settings): Settings {
  const { cache, compile } = settings;
  return finishedSampling(
    compile === "forward" && cache === null ? { ...settings, cache: { type: "static" } } : settings,
  );
}

/** Fills in all sampling settings when sampling and clears them when greedy: unused settings must not make cells differ. */
function finishedSampling(settings: Settings): Settings {
  if (settings.sampling === "greedy") return { ...settings, ...NO_SAMPLING };
  return {
    ...settings,
    temperature: settings.temperature ?? DEFAULT_SAMPLING.temperature,
    top_k: settings.top_k ?? DEFAULT_SAMPLING.top_k,
    top_p: settings.top_p ?? DEFAULT_SAMPLING.top_p,
  };
}

function checkTokens(settings: Settings): void {
  const { min_new_tokens: least, max_new_tokens, max_length } = settings;
  // A prompt has at least one token.
  const most = max_new_tokens ?? (max_length === null ? null : max_length - 1);
  if (least === null || most === null || least <= most) return;
  const limit = max_new_tokens === null ? "max_length" : "max_new_tokens";
  const problem = max_new_tokens === null ? "leaves no room for a prompt under" : "is greater than";
  throw new FalconError({
    code: "plan-tokens-contradict",
    message: `min_new_tokens ${least} ${problem} ${limit} ${settings[limit]}.`,
    next: `Lower min_new_tokens, or raise ${limit}.`,
    exitCode: ExitCode.invalidExperiment,
  });
}

/** Refuses settings that cannot be combined in one generate. */
function checkDecoding(settings: Settings, { prompts }: Experiment): void {
  const { num_beams, prompt_lookup_num_tokens, assistant_model, chat_template } = settings;
  const { batch_size, cache, depth, compile, num_assistant_tokens } = settings;
  const refuse = (message: string, next: string) => {
    throw new FalconError({
      code: "plan-generation-contradicts",
      message,
      next,
      exitCode: ExitCode.invalidExperiment,
    });
  };
  const [other, second] = [
    ...(num_beams === null ? [] : ["num_beams"]),
    ...(prompt_lookup_num_tokens === null ? [] : ["prompt_lookup_num_tokens"]),
    ...(assistant_model === null ? [] : ["assistant_model"]),
  ];
  if (other !== undefined && second !== undefined)
    refuse(`${other} and ${second} exclude each other.`, "Keep one of them.");
  if (num_assistant_tokens !== null && assistant_model === null)
    refuse(
      "num_assistant_tokens has no effect without assistant_model.",
      "Add assistant_model, or remove num_assistant_tokens.",
    );
  if (batch_size > 1 && other !== undefined) {
    refuse(`${other} works only with batch_size 1.`, "Remove one of them, or exclude their combination.");
  }
  const needsPlainDecoding =
    depth !== null
      ? "depth"
      : compile === "forward"
        ? "compile: forward"
        : other !== "num_beams" && cache !== null && cache.type !== "dynamic"
          ? `cache: ${cache.type}`
          : null;
  if (other !== undefined && needsPlainDecoding !== null) {
    refuse(
      `${needsPlainDecoding} cannot be measured together with ${other}.`,
      "Remove one of them, or exclude their combination.",
    );
  }
  if (compile === "forward" && cache?.type !== "static") {
    refuse(
      `compile: forward needs cache: static; a ${cache?.type} cache grows, so it would be compiled again and again.`,
      "Write cache: static, or leave cache out.",
    );
  }
  const without =
    settings.prompt_tokens === undefined
      ? chat_template === "off"
        ? "chat_template is off"
        : null
      : "prompt_tokens uses no chat template";
  if (without === null) return;
  const needing = [
    ...(settings.system === null ? [] : ["system"]),
    ...(settings.chat_template_kwargs === null ? [] : ["chat_template_kwargs"]),
    ...prompts.flatMap(({ id, text }) => (typeof text === "string" ? [] : [`the conversation ${id}`])),
  ];
  const [first] = needing;
  if (first === undefined) return;
  refuse(`${without}, and ${first} needs one.`, "Remove one of them.");
}

/** Whether a configuration has, on every axis of the match, one of the values listed there. */
export function matches(settings: Settings, match: Match): boolean {
  return match.axes.every(({ anyOf }) => anyOf.some((expected) => agrees(settings, expected)));
}

/** Whether `actual` agrees with everything that `expected` names; anything else may differ. */
function agrees(actual: unknown, expected: unknown): boolean {
  if (typeof expected !== "object" || expected === null) return Object.is(actual, expected);
  if (typeof actual !== "object" || actual === null) return false;
  if (Array.isArray(expected)) {
    return Array.isArray(actual) && actual.length === expected.length && everyAgrees(actual, expected);
  }
  return everyAgrees(actual, expected);
}

function everyAgrees(actual: object, expected: object): boolean {
  return Object.entries(expected).every(([key, value]) =>
    agrees((actual as Record<string, unknown>)[key], value),
  );
}

/** The place of an error, if there is one. */
export function placed<P>(place: P | null): { readonly place: P } | Record<never, never> {
  return place === null ? {} : { place };
}
