/** A verdict in one line: `2.4× smaller, 1.2× faster, perplexity +13 % (quality loss is real)`. Details are elsewhere. */
import { computeHeadline, type Headline, type PerplexityChange } from "../../analysis/headline.js";
import { isMostlyUnquantized } from "../../analysis/quantized-share.js";
import { safeLine } from "../../base/text.js";
import { memoryName } from "../../metrics/memory.js";
import type { ConfigurationSummary, Effect } from "../../run/summary-schema.js";
import { MOSTLY_UNQUANTIZED } from "./quantized-share.js";

/** With more configurations than this, verdicts are rows of a table instead of lines. */
export const MOST_HEADLINES = 10;

export interface HeadlineWords {
  readonly weights: string;
  readonly memory: string;
  readonly speed: string;
  readonly quality: string;
}

/** Null for a reference, and for a configuration about which there is nothing to say. */
export function headline(configuration: ConfigurationSummary): string | null {
  const { failure, status } = configuration;
  const words = headlineWords(configuration);
  if (words === null) {
    if (failure !== null) return `failed: ${safeLine(failure.code)}`;
    return status === "completed" ? null : status.replaceAll("_", " ");
  }
  const parts = [
    ...(isMostlyUnquantized(configuration) ? [MOSTLY_UNQUANTIZED] : []),
    words.weights,
    words.speed,
    words.memory,
    words.quality,
    ...(failure === null ? [] : [`some trials failed: ${safeLine(failure.code)}`]),
  ];
  return parts.filter((part) => part !== "").join(", ");
}

/** One phrase per question, empty if it has no answer. Null if the configuration was not compared with a reference. */
export function headlineWords(configuration: ConfigurationSummary): HeadlineWords | null {
  const numbers = computeHeadline(configuration);
  if (numbers === null) return null;
  const memory = memoryName(configuration.memory_metric);
  return {
    weights: weightsWords(numbers.weights),
    memory: memoryWords(numbers.memory, memory.charAt(0).toLowerCase() + memory.slice(1)),
    speed: speedWords(numbers.speed, numbers.isSpeedPerToken ? " per token" : ""),
    quality: qualityWords(numbers),
  };
}

function weightsWords(ratio: number | null): string {
  if (ratio === null) return "";
  if (Math.abs(ratio - 1) < 0.005) return "weights of the same size";
  return ratio < 1 ? `${times(1 / ratio)} smaller` : `${times(ratio)} larger`;
}

function memoryWords(effect: Effect | null, name: string): string {
  switch (effect?.verdict) {
    case "less":
      return `${times(1 / effect.ratio)} less ${name}`;
    case "more":
      return `${times(effect.ratio)} more ${name}`;
    case "same":
      return `same ${name}`;
    default:
      return "";
  }
}

function speedWords(effect: Effect | null, per: string): string {
  if (effect === null) return "";
  const rests = effect.loads === 1 ? " (1 load each)" : "";
  switch (effect.verdict) {
    case "less":
      return `${times(1 / effect.ratio)} faster${per}${rests}`;
    case "more":
      return `${times(effect.ratio)} slower${per}${rests}`;
    case "same":
      return `same speed${per}`;
    case "within-noise":
      return "speed within noise";
    case "too-few-repeats":
      return "speed: too few repeats";
    case "disturbed":
      return "speed not judged (other work ran)";
  }
}

function qualityWords({ perplexity, pairs, answersEqual, haveRandomWeights }: Headline): string {
  if (haveRandomWeights) return "random weights: answers mean nothing";
  if (perplexity !== null) return perplexityWords(perplexity);
  if (pairs === 0) return "";
  const same = answersEqual === pairs ? `all ${pairs}` : `${answersEqual} of ${pairs}`;
  return `${same} answers the same (quality not measured)`;
}

function perplexityWords({ lowest, highest, texts, worse, better }: PerplexityChange): string {
  const [low, high] = [percent(lowest), percent(highest)];
  const change = low === high ? low : `${low} to ${high}`;
  const on = texts === 1 ? "" : ` on ${texts} texts`;
  return `perplexity ${change}${on} (${judgement(texts, worse, better)})`;
}

function judgement(texts: number, worse: number, better: number): string {
  if (worse === texts) return "quality loss is real";
  if (worse > 0) return `quality loss is real on ${worse}`;
  return better === texts ? "no quality loss" : "within noise";
}

/** `2.4×`; close to 1 with one more digit, so that it does not read as 1.0. */
function times(ratio: number): string {
  if (ratio < 1.1) return `${ratio.toFixed(2)}×`;
  return `${ratio < 10 ? ratio.toFixed(1) : ratio.toFixed(0)}×`;
}

/** `+13 %`, `−0.4 %`. */
function percent(ratio: number): string {
  const change = (ratio - 1) * 100;
  const digits = Math.abs(change) < 9.95 ? 1 : 0;
  const text = Math.abs(change).toFixed(digits);
  return `${change < 0 && Number(text) !== 0 ? "−" : "+"}${text} %`;
}
