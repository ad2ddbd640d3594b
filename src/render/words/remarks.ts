/** What a reader must know about a configuration's trials before trusting their mean. */

import type { SlowTrials } from "../../analysis/outliers.js";
import { pluralize, safeLine } from "../../base/text.js";
import { formatBytes, formatSeconds } from "../../base/units.js";
import { findLibrary, type Quantization } from "../../quantization/registry.js";
import type { CompletedTrial, RecordedEnvironment, RecordedProof } from "../../run/record-types.js";
import type { ConfigurationData } from "../../run/run-data.js";

/** Trials that were far too slow. The first trial is mentioned separately, because it is often slow for a reason of its own. */
export function describeSlowTrials({ usualSec, slow }: SlowTrials): readonly string[] {
  const remarks: string[] = [];
  const first = slow.find(({ trialIndex }) => trialIndex === 0);
  if (first !== undefined) {
    remarks.push(
      `the first trial was slow (${formatSeconds(first.sec)} per token, compared with ${formatSeconds(usualSec)}): more warm-up may be needed`,
    );
  }
  const others = slow.filter(({ trialIndex }) => trialIndex !== 0);
  if (others.length > 0) {
    const names = others.map(({ trialIndex }) => trialIndex + 1).join(", ");
    remarks.push(
      `${pluralize(others.length, "outlier")} in time per token (trial ${names}): something else may have run`,
    );
  }
  return remarks;
}

/** How many of the trials were disturbed, by what, and whether they were left out. */
export function describeDisturbed(trials: readonly CompletedTrial[]): readonly string[] {
  const disturbed = trials.filter(({ disturbed_by }) => disturbed_by.length > 0);
  if (disturbed.length === 0) return [];
  const areAll = disturbed.length === trials.length;
  const what = areAll
    ? trials.length === 1
      ? "the only trial was disturbed"
      : `all ${trials.length} trials were disturbed`
    : `${disturbed.length} of ${pluralize(trials.length, "trial")} ${disturbed.length === 1 ? "was" : "were"} disturbed and left out of times`;
  return [`${what}: ${listDisturbances(disturbed)}`];
}

/** The distinct causes, each with the numbers of the first trial that had it. */
export function listDisturbances(trials: readonly Pick<CompletedTrial, "disturbed_by">[]): string {
  const causes = new Map<string, string>();
  for (const cause of trials.flatMap(({ disturbed_by }) => disturbed_by)) {
    const kind = cause.replaceAll(/\d+/g, "");
    if (!causes.has(kind)) causes.set(kind, cause);
  }
  return [...causes.values()].join("; ");
}

/** What the first forward pass did to the weights, if libraries repacked them; `after` is the proof that was read at the end. */
export function describeRepacking(
  atLoad: RecordedProof | null,
  after: RecordedProof | null,
): readonly string[] {
  if (atLoad === null || after === null || atLoad.weights_bytes === after.weights_bytes) return [];
  const was = atLoad.quantization_effective;
  const is = after.quantization_effective;
  const isOnCpu = Object.values(after.device_map).every((place) => place === "cpu");
  const kernel = isOnCpu ? "this CPU's kernel" : "the kernel that runs";
  const changes: string[] = [];
  if (was.double_quant === true && is.double_quant === false) {
    changes.push(`double quantization is undone by ${kernel}`);
  }
  if (was.compute_dtype !== is.compute_dtype) {
    changes.push(
      `${kernel} computes in ${is.compute_dtype ?? "several"}, not ${was.compute_dtype ?? "mixed"}`,
    );
  }
  if (was.block_size !== is.block_size) {
    changes.push(`block size ${was.block_size ?? "mixed"} → ${is.block_size ?? "mixed"}`);
  }
  const became = changes.length === 0 ? `${kernel} repacked the weights` : changes.join(", ");
  const sizes = [atLoad.weights_bytes, after.weights_bytes];
  const rounded = sizes.map(formatBytes);
  const [before, since] =
    rounded[0] === rounded[1] ? sizes.map((size) => `${size.toLocaleString("en")} B`) : rounded;
  return [`${before} at load, ${since} once it runs: ${became}`];
}

/** How the model's own files affect the measurement, or would have affected it. */
export function describeModelFiles(
  configuration: Pick<ConfigurationData, "load" | "trials">,
): readonly string[] {
  const { load, trials } = configuration;
  const measured = trials.flatMap((trial) => (trial.status === "completed" ? trial.measurement : []));
  const leftOut = Object.entries(load?.load.generation_settings_left_out ?? {});
  const end = load?.load.unknown_end_token ?? null;
  const lost = measured.filter((one) => one.template_loses_prompt === true).length;
  const date = measured.find((one) => one.template_date !== null)?.template_date ?? null;
  const difference = load?.load.tokenizer_difference ?? null;
  const settings = leftOut.map(([name, value]) => `${name} ${JSON.stringify(value)}`).join(", ");
  return [
    ...(lost === 0
      ? []
      : [
          `the chat template left out the prompt's text in ${lost} of ${pluralize(measured.length, "trial")}: these answers are not to the prompt`,
        ]),
    ...(difference === null
      ? []
      : [
          `the library splits text differently from the tokenizer's own ${safeLine(difference.file)} (SentencePiece${difference.kind === null ? "" : `, ${safeLine(difference.kind)}`}): words of its vocabulary become ${difference.tokens} tokens, but ${difference.own_tokens}${difference.tokens === difference.own_tokens ? " different ones" : ""} according to the file, which is what the model was trained on`,
        ]),
    ...(end === null || !measured.some((one) => one.chat_template_applied)
      ? []
      : [
          `the chat template ends answers with ${safeLine(end)}, but the model's generation settings do not list that token, so it does not end them here`,
        ]),
    ...(leftOut.length === 0
      ? []
      : [
          `some of the model's own generation settings cannot be measured and were left out: ${safeLine(settings)}`,
        ]),
    ...(date === null ? [] : [`the chat template writes a date, which was fixed at ${safeLine(date)}`]),
  ];
}

const REASONS_TO_KEEP: Readonly<Record<string, string>> = {
  "cpu-4bit-shapes": "this CPU's 4-bit kernel does not support their sizes",
  "quanto-shapes": "the CPU's kernel for quanto does not support their sizes",
  "weight-readers": "the model's own code uses their weights directly",
};
const MOST_NAMED = 3;

/** The layers that a workaround left unquantized, even though quantization was asked for. */
export function describeKept(
  kept: Readonly<Record<string, readonly string[]>> | null,
  verb: "stayed" | "will stay" = "stayed",
): readonly string[] {
  return Object.entries(kept ?? {}).map(([cure, modules]) => {
    const more = modules.length > MOST_NAMED ? `, and ${modules.length - MOST_NAMED} more` : "";
    const named = `${modules.slice(0, MOST_NAMED).join(", ")}${more}`;
    const reason = REASONS_TO_KEEP[cure] ?? `the workaround ${safeLine(cure)} says so`;
    return `${pluralize(modules.length, "linear layer")} ${verb} unquantized, because ${reason}: ${safeLine(named)}`;
  });
}

/** Says if bitsandbytes ran without its native library: its methods still compute then, but by other code. */
export function describeMissingLibrary(
  quantization: Quantization,
  environment: Pick<RecordedEnvironment, "machine"> | null,
): readonly string[] {
  const kernels = environment?.machine?.bitsandbytes ?? null;
  if (kernels === null || kernels.native_library !== null) return [];
  if (findLibrary(quantization) !== "bitsandbytes") return [];
  return ["bitsandbytes ran without its native library, on fallback code: see falcon-exp doctor"];
}

/** How a configuration's values came about, if they were not measured in one go. */
export function describeAttempts({
  attempts,
  earlierFailures,
  reusedFrom,
}: Pick<ConfigurationData, "attempts" | "earlierFailures" | "reusedFrom">): readonly string[] {
  const remarks: string[] = [];
  if (reusedFrom !== null) {
    const { experiment, run_id, at } = reusedFrom;
    remarks.push(`reused, not measured now: ${safeLine(`${experiment}/${run_id}`)} measured it at ${at}`);
  }
  if (attempts > 1) {
    const causes = earlierFailures.length === 0 ? "" : ` (${safeLine(earlierFailures.join(", "))} before)`;
    remarks.push(`took ${attempts} attempts${causes}`);
  }
  return remarks;
}

/** How texts and tasks were scored, if not in the same way as answers were generated. */
export function describeScoring({ plan, quality, lmEval }: ConfigurationData): readonly string[] {
  const { compile, cache } = plan.generation;
  return [
    ...(compile === "forward" && quality.length > 0
      ? ["its texts were scored by the uncompiled forward pass"]
      : []),
    ...(cache?.type === "quantized" && lmEval !== null
      ? ["lm-eval read each question in one forward pass, which a quantized cache does not affect"]
      : []),
  ];
}

export function describeRecompiled(trials: readonly CompletedTrial[]): readonly string[] {
  const again = trials.filter(({ measurement }) => (measurement.recompilations ?? 0) > 0);
  if (again.length === 0) return [];
  return [
    `${pluralize(again.length, "trial")} measured again, because something was compiled during the trial`,
  ];
}
