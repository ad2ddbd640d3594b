/** The comparison as text for the terminal: differences first, then one table per configuration. */
import pc from "picocolors";
import { safeLine, wrapText } from "../../base/text.js";
import {
  COMPARE_NOTE,
  differenceText,
  environmentHeading,
  groupName,
  knownDifferences,
  ratioWords,
  sideName,
  unrecordedLine,
} from "../words/compare.js";
import type { ComparedGroup, CompareReport } from "../words/compare-report.js";
import { fitTable, nameColumn } from "./fit-table.js";

interface Style {
  readonly columns: number;
  readonly color: boolean;
}

export function compareText(report: CompareReport, style: Style): string {
  const colors = pc.createColors(style.color);
  const wrap = (text: string) => wrapText(text, style.columns);
  const lines: string[] = report.forced.flatMap((reason) =>
    wrap(`forced: ${safeLine(reason)}`).map((line) => colors.red(line)),
  );
  lines.push(
    ...(report.environment.length === 0
      ? wrap("Environment: the same machine, libraries and program.")
      : [
          environmentHeading(report),
          ...environmentLines(report).flatMap((line) => wrap(`  ${safeLine(line)}`)),
        ]),
  );
  for (const group of report.groups) lines.push("", ...groupLines(group, style, colors));
  if (report.unpaired.length > 0) {
    lines.push("", ...wrap(`Not in every run: ${report.unpaired.map(safeLine).join(", ")}.`));
  }
  lines.push("", ...wrap(COMPARE_NOTE));
  return lines.join("\n");
}

function environmentLines(report: CompareReport): readonly string[] {
  const unrecorded = unrecordedLine(report);
  return [...knownDifferences(report).map(differenceText), ...(unrecorded === null ? [] : [unrecorded])];
}

function groupLines(
  group: ComparedGroup,
  style: Style,
  colors: ReturnType<typeof pc.createColors>,
): string[] {
  const lines = wrapText(groupName(group), style.columns).map((line) => colors.bold(line));
  lines.push(
    ...group.differences.flatMap((one) => wrapText(`  ${safeLine(differenceText(one))}`, style.columns)),
  );
  for (const [index, side] of group.sides.entries()) {
    const mark = String.fromCharCode("A".charCodeAt(0) + index);
    const status = side.status === "completed" ? "" : ` (${side.status})`;
    lines.push(...wrapText(`  ${mark} ${safeLine(side.name)}: ${sideName(side)}${status}`, style.columns));
  }
  const rows = group.metrics.filter(({ values }) => values.some((value) => value !== null));
  const columns = group.sides.flatMap((_, index) => {
    const mark = String.fromCharCode("A".charCodeAt(0) + index);
    const value = {
      header: mark,
      cell: (row: (typeof rows)[number]) => row.texts[index] ?? "–",
      dropRank: 0,
    };
    if (index === 0) return [value];
    return [
      value,
      {
        header: `${mark} ÷ A`,
        cell: (row: (typeof rows)[number]) => ratioWords(row.against[index] ?? null, row.better),
        dropRank: 0,
      },
    ];
  });
  if (rows.length > 0) {
    const name = nameColumn<(typeof rows)[number]>("", ({ title }) => safeLine(title));
    lines.push(fitTable(rows, [name, ...columns], style).text);
  }
  for (const [index, answers] of group.answers_equal.entries()) {
    if (answers === null || answers.pairs === 0) continue;
    const mark = String.fromCharCode("A".charCodeAt(0) + index);
    lines.push(`  ${mark}: ${answers.equal} of ${answers.pairs} answers the same as A's`);
  }
  return lines;
}
