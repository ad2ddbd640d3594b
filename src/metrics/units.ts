/** The units of metrics, and which units a limit in `--fail-on` may have. src/render/words/metric-values.ts writes values in them. */
import { BYTE_UNITS } from "../base/units.js";

const PLAIN = { "": 1 } as const;

/** Name of a unit in a limit → its size in the metric's own unit; the name is empty for a limit without a unit. */
export const LIMIT_UNITS = {
  seconds: { "": 1, s: 1, ms: 1e-3, min: 60 },
  bytes: BYTE_UNITS,
  joules: { "": 1, J: 1, kJ: 1e3 },
  "joules a token": { "": 1, J: 1, mJ: 1e-3 },
  tokens: PLAIN,
  "tokens a second": PLAIN,
  perplexity: PLAIN,
  ratio: PLAIN,
  nats: PLAIN,
  bits: PLAIN,
  share: PLAIN,
} as const satisfies Readonly<Record<string, Readonly<Record<string, number>>>>;

export type MetricUnit = keyof typeof LIMIT_UNITS;
