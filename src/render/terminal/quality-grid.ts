/** How much quality quantizing costs: one row per configuration and text. */
import { safeLine } from "../../base/text.js";
import type { ConfigurationSummary, QualitySummary, RunSummary } from "../../run/summary-schema.js";
import { shortName } from "../words/names.js";
import { fitTable, nameColumn, type TableColumn, type TableStyle, textWithDropped } from "./fit-table.js";
import { listQualityColumns } from "./quality-columns.js";

/** With more rows than this only the first text is shown; the rest is in quality.csv. */
const MOST_ROWS = 30;
const NARROWEST_NAME = 24;

interface Row {
  readonly configuration: ConfigurationSummary;
  readonly quality: QualitySummary;
}

function buildColumns(rows: readonly Row[]): readonly TableColumn<Row>[] {
  return [
    { header: "text", cell: ({ quality }) => safeLine(quality.text_id), dropRank: 0, align: "left" },
    ...listQualityColumns(rows.map(({ quality }) => quality)).map(
      ({ header, text, dropRank }): TableColumn<Row> => ({
        header,
        cell: ({ quality }) => text(quality),
        dropRank,
      }),
    ),
  ];
}

/** Null if nothing was scored. No line is wider than `columns`, except on terminals too narrow for any table. */
export function qualityGrid(summary: RunSummary, style: TableStyle): string | null {
  const all = summary.configurations.flatMap((configuration) =>
    configuration.quality.map((quality): Row => ({ configuration, quality })),
  );
  const first = all[0]?.quality.text_id;
  const rows = all.length > MOST_ROWS ? all.filter(({ quality }) => quality.text_id === first) : all;
  if (rows.length === 0) return null;
  const names = rows.map(formatName);
  // Each name is shown only once, in the first of its rows.
  const firsts = new Set(rows.filter((_, index) => names[index - 1] !== names[index]));
  const name: TableColumn<Row> = {
    ...nameColumn<Row>("quality", (row) => (firsts.has(row) ? formatName(row) : "")),
    narrowest: NARROWEST_NAME,
  };
  return textWithDropped(fitTable(rows, [name, ...buildColumns(rows)], style), style);
}

function formatName({ configuration, quality }: Row): string {
  const mark = quality.status === "failed" ? " ✗" : "";
  return `${shortName(configuration)}${configuration.is_reference ? " *" : ""}${mark}`;
}
