/** How long tokens let one wait: percentiles, a row a configuration. */
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

/** TTFT's, then ITL's: p50, p90, p99. */
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

/** What a reader must know of empty cells. */
export const LATENCY_NOTE = `TTFT: time to the first token, one sample per trial; ITL: from one token to the next. p90 needs ${FEWEST_SAMPLES.p90} samples, p99 ${FEWEST_SAMPLES.p99}.`;

/** Whether there are samples enough for more than a middle: of few trials the table of results says all there is. */
export function haveLatencies({ configurations }: RunSummary): boolean {
  return configurations.some(({ ttft_percentiles_sec: ttft }) => (ttft?.p90 ?? null) !== null);
}

/** Null where there are too few samples. No line is wider than `columns`, save on terminals too narrow for any table. */
export function latencyGrid(summary: RunSummary, style: TableStyle): string | null {
  if (!haveLatencies(summary)) return null;
  const columns: readonly TableColumn<ConfigurationSummary>[] = [
    nameColumn("latency", markedName),
    ...LATENCY_COLUMNS,
  ];
  return textWithDropped(fitTable(orderByReference(summary.configurations), columns, style), style);
}
