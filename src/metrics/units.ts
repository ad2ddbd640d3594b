/** The units of metrics: how a value is written, and which units a limit in `--fail-on` may have. */
import { BYTE_UNITS, formatBytes, formatNats, formatSeconds } from "../base/units.js";

export interface Unit {
  readonly format: (value: number) => string;
  /** Name of a unit in a limit → its size in the metric's own unit; the name is empty for a limit without a unit. */
  readonly limits: Readonly<Record<string, number>>;
}

const PLAIN = { "": 1 } as const;

export const UNITS = {
  seconds: { format: formatSeconds, limits: { "": 1, s: 1, ms: 1e-3, min: 60 } },
  bytes: { format: formatBytes, limits: BYTE_UNITS },
  joules: { format: (value) => `${value.toFixed(1)} J`, limits: { "": 1, J: 1, kJ: 1e3 } },
  "joules a token": {
    format: (value) => `${Number(value.toPrecision(3))} J`,
    limits: { "": 1, J: 1, mJ: 1e-3 },
  },
  tokens: { format: (value) => value.toFixed(0), limits: PLAIN },
  "tokens a second": { format: (value) => value.toFixed(value < 10 ? 2 : 1), limits: PLAIN },
  perplexity: { format: (value) => value.toFixed(2), limits: PLAIN },
  ratio: { format: (value) => value.toFixed(3), limits: PLAIN },
  nats: { format: formatNats, limits: PLAIN },
  bits: { format: (value) => `${value.toFixed(2)} bits`, limits: PLAIN },
  share: { format: (value) => `${(value * 100).toFixed(1)} %`, limits: PLAIN },
} as const satisfies Readonly<Record<string, Unit>>;

export type MetricUnit = keyof typeof UNITS;
