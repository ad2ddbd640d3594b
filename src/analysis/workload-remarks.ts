/** What a reader must know about how a cache or compilation was measured. */
import { pluralize } from "../base/text.js";
import type { CompletedTrial } from "../run/record-types.js";
import type { ConfigurationData } from "../run/run-data.js";

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
