/** The values of a run, one row per configuration, drawn as wide as the terminal allows. */

import type pc from "picocolors";
import stringWidth from "string-width";
import { orderByReference } from "../../analysis/reference-groups.js";
import { wrapText } from "../../base/text.js";
import type { ConfigurationSummary, RunSummary } from "../../run/summary-schema.js";
import { fitTable, nameColumn, type TableColumn, type TableStyle, textWithDropped } from "./fit-table.js";
import { buildValueColumns, markedName, type ValueColumn } from "./value-columns.js";

type Colors = ReturnType<typeof pc.createColors>;

/** No line is wider than `columns`. */
export function resultGrid(summary: RunSummary, style: TableStyle, colors: Colors): string {
  const valueColumns = buildValueColumns(summary);
  const name: TableColumn<ConfigurationSummary> = {
    ...nameColumn<ConfigurationSummary>("", (one) => markedName(one)),
    narrow: (text, width) => breakName(text, width).join("\n"),
  };
  const fitted = fitTable(orderByReference(summary.configurations), [name, ...valueColumns], style);
  if (fitted.isTooWide) return stacked(summary, valueColumns, style.columns, colors);
  return textWithDropped(fitted, style);
}

/** Lists all values of each configuration under its name, without leaving any out. */
function stacked(
  { configurations }: RunSummary,
  valueColumns: readonly ValueColumn[],
  width: number,
  colors: Colors,
): string {
  return orderByReference(configurations)
    .flatMap((configuration) => [
      ...wrapText(markedName(configuration), width).map((line) => colors.bold(line)),
      ...packed(
        valueColumns.map(({ header, cell }) => `${header} ${cell(configuration)}`),
        width - 2,
      ).map((line) => `  ${line}`),
    ])
    .join("\n");
}

/** Puts as many values on each line as fit; a value is broken only if it is wider than a line. */
function packed(valueColumns: readonly string[], width: number): string[] {
  const lines: string[] = [];
  for (const figure of valueColumns) {
    const longer = `${lines.at(-1) ?? ""} · ${figure}`;
    if (lines.length > 0 && stringWidth(longer) <= width) lines[lines.length - 1] = longer;
    else lines.push(figure);
  }
  return lines.flatMap((line) => wrapText(line, width));
}

/** Breaks a label between its parts, `a=1, |b=2`, and within a part, `max_|new_tokens`, only if it has to. */
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
