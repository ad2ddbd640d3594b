/** What the answers lose: a row a configuration and text. */
import Table from "cli-table3";
import cliTruncate from "cli-truncate";
import type pc from "picocolors";
import stringWidth from "string-width";
import type { Interval, QualitySummary } from "../../analysis/quality.js";
import { natsText, shareText } from "../../analysis/quality-text.js";
import type { ConfigurationSummary, RunSummary } from "../../analysis/summary.js";
import { safeLine } from "../../base/untrusted-text.js";
import { dropColumnsToFit } from "./drop-columns.js";

type Colors = ReturnType<typeof pc.createColors>;

const NOTHING = "–";
/** With more rows only the first text is shown: the rest is in quality.csv. */
const MOST_ROWS = 30;
const WIDEST_NAME = 24;

interface Row {
  readonly configuration: ConfigurationSummary;
  readonly quality: QualitySummary;
}

interface Column {
  readonly header: string;
  readonly cell: (row: Row) => string;
  readonly dropRank: number;
}

const COLUMNS: readonly Column[] = [
  { header: "text", cell: ({ quality }) => safeLine(quality.text_id), dropRank: 0 },
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
export function qualityGrid(
  summary: RunSummary,
  style: { readonly columns: number; readonly color: boolean },
  colors: Colors,
): string | null {
  const all = summary.configurations.flatMap((configuration) =>
    configuration.quality.map((quality): Row => ({ configuration, quality })),
  );
  const first = all[0]?.quality.text_id;
  const rows = all.length > MOST_ROWS ? all.filter(({ quality }) => quality.text_id === first) : all;
  if (rows.length === 0) return null;
  const measureWidth = ({ header, cell }: Column) =>
    Math.max(stringWidth(header), ...rows.map((row) => stringWidth(cell(row))));
  const name = Math.min(WIDEST_NAME, Math.max(...rows.map((row) => stringWidth(formatName(row)))));
  // Borders and padding take three columns a cell and one at the end.
  const fits = (columns: readonly Column[]) =>
    columns.reduce((sum, column) => sum + measureWidth(column) + 3, name + 4) <= style.columns;
  const shown = dropColumnsToFit(COLUMNS, fits);
  const table = new Table({
    head: ["quality", ...shown.map(({ header }) => colors.bold(header))],
    colAligns: ["left", "left", ...shown.slice(1).map(() => "right" as const)],
    style: { head: [], border: style.color ? ["gray"] : [], compact: true },
  });
  let last = "";
  for (const row of rows) {
    const own = formatName(row);
    table.push([own === last ? "" : cliTruncate(own, name), ...shown.map(({ cell }) => cell(row))]);
    last = own;
  }
  return table.toString();
}

function formatName({ configuration, quality }: Row): string {
  const mark = quality.status === "failed" ? " ✗" : "";
  return `${safeLine(configuration.label)}${configuration.is_reference ? " *" : ""}${mark}`;
}

function numberText(value: number | undefined, digits: number): string {
  return value === undefined ? NOTHING : value.toFixed(digits);
}

function nats(value: number | undefined): string {
  return value === undefined ? NOTHING : natsText(value);
}

/** `1.369 ± 0.031`. */
function ratioText(ratio: ({ readonly value: number } & Interval) | null): string {
  if (ratio === null) return NOTHING;
  const { value, ci95_low, ci95_high } = ratio;
  const half = ci95_low === null || ci95_high === null ? "" : ` ± ${((ci95_high - ci95_low) / 2).toFixed(3)}`;
  return `${value.toFixed(3)}${half}`;
}
