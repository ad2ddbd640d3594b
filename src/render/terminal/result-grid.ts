/** The values of a run, one row a configuration, drawn as wide as the terminal allows. */
import Table from "cli-table3";
import type pc from "picocolors";
import stringWidth from "string-width";
import type { RunSummary } from "../../analysis/summary.js";
import { wrapText } from "../../base/wrap-text.js";
import { dropColumnsToFit } from "./drop-columns.js";
import { buildValueColumns, markedName, type ValueColumn } from "./value-columns.js";

type Colors = ReturnType<typeof pc.createColors>;

/** Names are wrapped down to this width before a column is left out… */
const COMFORTABLE_NAME = 24;
/** …and below this one the values stand under the names instead of beside them. */
const NARROWEST_NAME = 12;

/** No line is wider than `columns`. */
export function resultGrid(
  summary: RunSummary,
  style: { readonly columns: number; readonly color: boolean },
  colors: Colors,
): string {
  const { configurations } = summary;
  const valueColumns = buildValueColumns(summary);
  const measureWidth = ({ header, cell }: ValueColumn) =>
    Math.max(stringWidth(header), ...configurations.map((one) => stringWidth(cell(one))));
  const widestName = Math.max(1, ...configurations.map((one) => stringWidth(markedName(one))));
  // Borders and padding take three columns a cell and one at the end.
  const nameRoom = (columns: readonly ValueColumn[]) =>
    style.columns - columns.reduce((sum, column) => sum + measureWidth(column) + 3, 4);
  const shown = dropColumnsToFit(
    valueColumns,
    (columns) => nameRoom(columns) >= Math.min(widestName, COMFORTABLE_NAME),
  );
  const room = Math.min(widestName, nameRoom(shown));
  if (room < Math.min(widestName, NARROWEST_NAME))
    return stacked(summary, valueColumns, style.columns, colors);
  const table = new Table({
    head: ["", ...shown.map(({ header }) => colors.bold(header))],
    colAligns: ["left", ...shown.map(() => "right" as const)],
    colWidths: [room + 2, ...shown.map((column) => measureWidth(column) + 2)],
    style: { head: [], border: style.color ? ["gray"] : [], compact: true },
  });
  for (const configuration of configurations) {
    const name = breakName(markedName(configuration), room).join("\n");
    table.push([name, ...shown.map(({ cell }) => cell(configuration))]);
  }
  return table.toString();
}

/** Every value, none left out, under the name that it belongs to. */
function stacked(
  { configurations }: RunSummary,
  valueColumns: readonly ValueColumn[],
  width: number,
  colors: Colors,
): string {
  return configurations
    .flatMap((configuration) => [
      ...wrapText(markedName(configuration), width).map((line) => colors.bold(line)),
      ...packed(
        valueColumns.map(({ header, cell }) => `${header} ${cell(configuration)}`),
        width - 2,
      ).map((line) => `  ${line}`),
    ])
    .join("\n");
}

/** As many values a line as fit, none of them torn. */
function packed(valueColumns: readonly string[], width: number): string[] {
  const lines: string[] = [];
  for (const figure of valueColumns) {
    const longer = `${lines.at(-1) ?? ""} · ${figure}`;
    if (lines.length > 0 && stringWidth(longer) <= width) lines[lines.length - 1] = longer;
    else lines.push(figure);
  }
  return lines.flatMap((line) => wrapText(line, width));
}

/** Breaks a label where its parts meet, `a=1, |b=2`; within a part, `max_|new_tokens`, only where it has to. */
function breakName(name: string, width: number): string[] {
  return brokenAfter(name, /[^\s,]*[\s,]*/g, width)
    .flatMap((line) => (stringWidth(line) <= width ? [line] : brokenAfter(line, /[^_/=-]*[_/=-]*/g, width)))
    .flatMap((line) => wrapText(line, width));
}

function brokenAfter(text: string, parts: RegExp, width: number): string[] {
  const lines: string[] = [];
  for (const part of text.match(parts) ?? []) {
    const longer = (lines.at(-1) ?? "") + part;
    if (lines.length > 0 && stringWidth(longer.trimEnd()) <= width) lines[lines.length - 1] = longer;
    else lines.push(part);
  }
  return lines.map((line) => line.trimEnd()).filter((line) => line !== "");
}
