/** Every metric of a scored text (docs/quality.md). */
import type { TextMetric } from "./metric.js";

export const TEXT_METRICS = [
  {
    key: "perplexity",
    unit: "perplexity",
    better: "lower",
    docs: null,
    path: ["perplexity", "value"],
    shown: { title: "perplexity", compare: 1, mlflow: true },
  },
  {
    key: "ppl_ratio",
    unit: "ratio",
    better: "lower",
    docs: null,
    path: ["ppl_ratio", "value"],
    shown: { title: "ppl ratio", history: 7, mlflow: true },
  },
  {
    key: "kl_mean_nats",
    unit: "nats",
    better: "lower",
    docs: null,
    path: ["kl_divergence", "mean"],
    shown: {
      title: "KL",
      result: { place: 1, title: "KL divergence from the reference, mean, nats per token", dropRank: 1 },
      history: 8,
      mlflow: true,
    },
  },
  {
    key: "top1_agreement",
    unit: "share",
    better: "higher",
    docs: null,
    path: ["top1_agreement", "value"],
    shown: {
      title: "top-1",
      result: {
        place: 2,
        title: "Share of tokens whose most likely next token is the same as the reference's",
        dropRank: 1,
      },
      history: 9,
      mlflow: true,
    },
  },
] as const satisfies readonly TextMetric[];
