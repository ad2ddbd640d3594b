/** The comparison as Markdown, for a comment or a README. Names are untrusted text. */

import { safeLine } from "../../base/text.js";
import {
  COMPARE_NOTE,
  differenceCells,
  environmentHeading,
  groupName,
  knownDifferences,
  ratioWords,
  unrecordedLine,
} from "../words/compare.js";
import type { ComparedGroup, CompareReport } from "../words/compare-report.js";

export function compareMarkdown(report: CompareReport): string {
  const lines = report.forced.map((reason) => `> **forced:** ${escaped(reason)}\n`);
  if (report.environment.length === 0) {
    lines.push("Environment: the same machine, libraries and program.", "");
  } else {
    lines.push(
      environmentHeading(report),
      "",
      row(["environment", ...report.arguments]),
      ruler(report.arguments.length),
      ...knownDifferences(report).map((one) => row([one.what, ...differenceCells(one)])),
      "",
    );
    const unrecorded = unrecordedLine(report);
    if (unrecorded !== null) lines.push(`${escaped(unrecorded)}.`, "");
  }
  for (const group of report.groups) lines.push(...groupLines(group));
  if (report.unpaired.length > 0)
    lines.push(`Not in every run: ${report.unpaired.map(escaped).join(", ")}.`, "");
  lines.push(COMPARE_NOTE);
  return `${lines.join("\n")}\n`;
}

function groupLines(group: ComparedGroup): string[] {
  const heads = group.sides.flatMap(({ name }, index) =>
    index === 0 ? [name] : [name, "against the first"],
  );
  const rows = group.metrics.filter(({ values }) => values.some((value) => value !== null));
  return [
    `### ${escaped(groupName(group))}`,
    "",
    ...group.differences.map(
      ({ what, values }) =>
        `- ${escaped(what)}: ${values.map((value) => escaped(value ?? "not recorded")).join(" → ")}`,
    ),
    ...(group.differences.length === 0 ? [] : [""]),
    row(["", ...heads]),
    ruler(heads.length),
    ...rows.map((metric) =>
      row([
        metric.title,
        ...metric.texts.flatMap((text, index) =>
          index === 0
            ? [text ?? "–"]
            : [text ?? "–", ratioWords(metric.against[index] ?? null, metric.better)],
        ),
      ]),
    ),
    row([
      "answers the same",
      ...group.answers_equal.flatMap((answers, index) =>
        index === 0 ? [""] : ["", answers === null ? "–" : `${answers.equal} of ${answers.pairs}`],
      ),
    ]),
    "",
  ];
}

function row(cells: readonly string[]): string {
  return `| ${cells.map(escaped).join(" | ")} |`;
}

function ruler(columns: number): string {
  return `|${" --- |".repeat(columns + 1)}`;
}

/** Escapes markup and the bars of tables, so that whatever a name contains is shown and never interpreted. */
function escaped(text: string): string {
  return safeLine(text)
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll(/[\\`*_{}[\]|]/g, (character) => `\\${character}`);
}
