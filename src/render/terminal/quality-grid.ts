/** What the answers lose: a row a configuration and text. */

import { shareText } from "../../analysis/quality-text.js";
import { safeLine } from "../../base/text.js";
import { formatNats } from "../../base/units.js";
import type { ConfigurationSummary, Interval, QualitySummary, RunSummary } from "../../run/summary-schema.js";
import { fitTable, nameColumn, type TableColumn, type TableStyle } from "./fit-table.js";

const NOTHING = "–";
/** With more rows only the first text is shown: the rest is in quality.csv. */
const MOST_ROWS = 30;
const NARROWEST_NAME = 24;

interface Row {
  readonly configuration: ConfigurationSummary;
  readonly quality: QualitySummary;
}

const COLUMNS: readonly TableColumn<Row>[] = [
  { header: "text", cell: ({ quality }) => safeLine(quality.text_id), dropRank: 0, align: "left" },
  { header: "perplexity", cell: ({ quality }) => numberText(quality.perplexity?.value, 2), dropRank: 2 },
  { header: "× perplexity", cell: ({ quality }) => ratioText(quality.ppl_ratio), dropRank: 1 },
  { header: "KL mean", cell: ({ quality }) => nats(quality.kl_divergence?.mean), dropRank: 0 },
  { header: "KL p99", cell: ({ quality }) => nats(quality.kl_divergence?.p99), dropRank: 3 },
  {
    header: "top-1",
    cell: ({ quality }) => (quality.top1_agreement === null ? NOTHING : shareText(quality.top1_agreement)),
    dropRank: 0,
  },
];

/** Null where nothing was scored. Lines are no wider than `columns`, save on terminals too narrow for any table. */
export function qualityGrid(summary: RunSummary, style: TableStyle): string | null {
  const all = summary.configurations.flatMap((configuration) =>
    configuration.quality.map((quality): Row => ({ configuration, quality })),
  );
  const first = all[0]?.quality.text_id;
  const rows = all.length > MOST_ROWS ? all.filter(({ quality }) => quality.text_id === first) : all;
  if (rows.length === 0) return null;
  const names = rows.map(formatName);
  // A name stands once, in the first of the rows that it belongs to.
  const firsts = new Set(rows.filter((_, index) => names[index - 1] !== names[index]));
  const name: TableColumn<Row> = {
    ...nameColumn<Row>("quality", (row) => (firsts.has(row) ? formatName(row) : "")),
    narrowest: NARROWEST_NAME,
  };
  return fitTable(rows, [name, ...COLUMNS], style).text;
}

function formatName({ configuration, quality }: Row): string {
  const mark = quality.status === "failed" ? " ✗" : "";
  return `${safeLine(configuration.label)}${configuration.is_reference ? " *" : ""}${mark}`;
}

function numberText(value: number | undefined, digits: number): string {
  return value === undefined ? NOTHING : value.toFixed(digits);
}

function nats(value: number | undefined): string {
  return value === undefined ? NOTHING : formatNats(value);
}

/** `1.369 ± 0.031`. */
function ratioText(ratio: ({ readonly value: number } & Interval) | null): string {
  if (ratio === null) return NOTHING;
  const { value, ci95_low, ci95_high } = ratio;
  const half = ci95_low === null || ci95_high === null ? "" : ` ± ${((ci95_high - ci95_low) / 2).toFixed(3)}`;
  return `${value.toFixed(3)}${half}`;
}
