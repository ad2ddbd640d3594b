import { formatBytes, formatNats, formatSeconds } from "../../base/units.js";
import type { MetricUnit } from "../../metrics/units.js";

/** How a metric's value is written, by its unit. */
export const FORMATS: Readonly<Record<MetricUnit, (value: number) => string>> = {
  seconds: formatSeconds,
  bytes: formatBytes,
  joules: (value) => `${value.toFixed(1)} J`,
  "joules a token": (value) => `${Number(value.toPrecision(3))} J`,
  tokens: (value) => value.toFixed(0),
  "tokens a second": (value) => value.toFixed(value < 10 ? 2 : 1),
  perplexity: (value) => value.toFixed(2),
  ratio: (value) => value.toFixed(3),
  nats: formatNats,
  bits: (value) => `${value.toFixed(2)} bits`,
  share: (value) => `${(value * 100).toFixed(1)} %`,
};
