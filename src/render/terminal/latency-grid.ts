/** How long one waits for tokens: percentiles, one row per configuration. */
import { FEWEST_SAMPLES, type PercentileName } from "../../analysis/percentiles.js";
import { orderByReference } from "../../analysis/reference-groups.js";
import { formatSeconds } from "../../base/units.js";
import type { ConfigurationSummary, RunSummary } from "../../run/summary-schema.js";
import { fitTable, nameColumn, type TableColumn, type TableStyle, textWithDropped } from "./fit-table.js";
import { NOTHING } from "./result-columns.js";
import { markedName } from "./value-columns.js";

export interface LatencyColumn {
  readonly header: string;
  readonly cell: (configuration: ConfigurationSummary) => string;
  readonly dropRank: number;
}

const LATENCIES = [
  ["TTFT", "ttft_percentiles_sec", { p50: 3, p90: 2, p99: 4 }],
  ["ITL", "itl_percentiles_sec", { p50: 0, p90: 1, p99: 0 }],
] as const;
const PERCENTILES = Object.keys(FEWEST_SAMPLES) as readonly PercentileName[];

/** The p50, p90 and p99 of TTFT, then of ITL. */
export const LATENCY_COLUMNS: readonly LatencyColumn[] = LATENCIES.flatMap(([title, key, dropRanks]) =>
  PERCENTILES.map(
    (name): LatencyColumn => ({
      header: `${title} ${name}`,
      cell: (configuration) => {
        const value = configuration[key]?.[name] ?? null;
        return value === null ? NOTHING : formatSeconds(value);
      },
      dropRank: dropRanks[name],
    }),
  ),
);

/** Explains the headers, and why cells may be empty. */
export const LATENCY_NOTE = `TTFT: time to the first token, one sample per trial; ITL: from one token to the next. p90 needs ${FEWEST_SAMPLES.p90} samples, p99 ${FEWEST_SAMPLES.p99}.`;

/** Whether there are enough samples for more than a median; with few trials the table of results says all there is. */
export function haveLatencies({ configurations }: RunSummary): boolean {
  return configurations.some(({ ttft_percentiles_sec: ttft }) => (ttft?.p90 ?? null) !== null);
}

/** Null if there are too few samples. No line is wider than `columns`, except on terminals too narrow for any table. */
export function latencyGrid(summary: RunSummary, style: TableStyle): string | null {
  if (!haveLatencies(summary)) return null;
  const columns: readonly TableColumn<ConfigurationSummary>[] = [
    nameColumn("latency", markedName),
    ...LATENCY_COLUMNS,
  ];
  return textWithDropped(fitTable(orderByReference(summary.configurations), columns, style), style);
}
