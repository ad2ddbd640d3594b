/** How good estimates were in earlier runs: the peaks that they measured, compared with the estimated ones. */
import { resolve } from "node:path";
import { z } from "zod";
import type { EstimateMargin, PastPeak } from "../analysis/estimate-margin.js";
import { pluralize } from "../base/text.js";
import { describeMargin } from "../render/words/estimate-margin.js";
import { indexRuns } from "../run/run-index.js";
import { configurationSummarySchema } from "../run/summary-schema.js";

const summarySchema = z.object({
  configurations: z.array(
    configurationSummarySchema.pick({ memory_metric: true, estimate: true, quantization_effective: true }),
  ),
});

/** The peaks of all runs under a results folder; empty if there is no such folder or nothing in it can be read. */
export async function readPastPeaks(resultsFolder: string, cwd: string): Promise<readonly PastPeak[]> {
  const past: PastPeak[] = [];
  const onSummary = (_: unknown, summary: unknown) => {
    for (const one of summarySchema.safeParse(summary).data?.configurations ?? []) {
      const ratio = one.estimate?.peak_memory_ratio;
      const method = one.quantization_effective?.method;
      if (ratio == null || ratio <= 0 || method === undefined) continue;
      past.push({
        method,
        device: one.memory_metric === "peak_rss_bytes" ? "cpu" : "cuda",
        ratio: 1 / ratio,
      });
    }
  };
  await indexRuns({ folder: resolve(cwd, resultsFolder), onSummary }).catch(() => []);
  return past;
}

/** One sentence per margin, with the configurations that it applies to. */
export function marginSentences(
  rows: readonly { readonly name: string; readonly margin: EstimateMargin }[],
): readonly string[] {
  const names = new Map<string, string[]>();
  for (const { name, margin } of rows) {
    const text = describeSource(margin);
    names.set(text, [...(names.get(text) ?? []), name]);
  }
  return [...names].map(([text, of]) => `${names.size === 1 ? "Estimates" : of.join(", ")}: ${text}`);
}

function describeSource(margin: EstimateMargin): string {
  const of =
    margin.configurations === 0
      ? "assumed, because nothing similar was measured here"
      : `by ${pluralize(margin.configurations, "configuration")} measured here`;
  return `${describeMargin(margin)} (${of})`;
}
