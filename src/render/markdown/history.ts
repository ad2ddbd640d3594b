/** The history for a comment in CI: what was judged, what changed, and a table of metrics. Names are untrusted text. */

import type { HistoryReport } from "../../analysis/history/history-types.js";
import { markdownInline } from "../../base/text.js";
import {
  againstText,
  changeText,
  checkText,
  dateWriter,
  differencesText,
  formatMetricValue,
  groupChanges,
  METHOD_TEXT,
  runsText,
} from "../words/history.js";
import { shownLabel } from "../words/names.js";

const MOST_EVENTS = 10;

export function historyMarkdown(report: HistoryReport): string {
  const dateText = dateWriter(report);
  const lines = [
    `### ${markdownInline(report.experiment)}: ${markdownInline(runsText(report, dateText))}`,
    "",
  ];
  const list = (items: readonly string[]) => {
    if (items.length > 0) lines.push(...items.map((item) => `- ${item}`), "");
  };
  list(
    report.checks.map((check) =>
      check.outcome === "regression"
        ? `❌ **${markdownInline(checkText(check))}**`
        : `${check.outcome === "within-limit" ? "✅" : "➖"} ${markdownInline(checkText(check))}`,
    ),
  );
  list(groupChanges(report).map((group) => markdownInline(changeText(group, dateText))));
  list(
    report.environment_changes
      .slice(-MOST_EVENTS)
      .map(({ at, differences }) => markdownInline(`${dateText(at)}: ${differencesText(differences, 8)}`)),
  );
  if (report.missed_runs.length > 0) {
    const earlier = report.missed_runs.length - MOST_EVENTS;
    const before = earlier > 0 ? `${earlier} earlier, ` : "";
    list([
      markdownInline(
        `missed runs: ${before}${report.missed_runs.slice(-MOST_EVENTS).map(dateText).join(", ")}`,
      ),
    ]);
  }
  if (report.series.length > 0) {
    lines.push("| configuration | metric | newest | vs. before |", "| --- | --- | ---: | ---: |");
    for (const { configuration, title, metric, better, newest } of report.series) {
      const cells = [
        shownLabel(configuration),
        title,
        newest === null ? "–" : formatMetricValue(metric, newest.value),
        newest === null || !newest.is_of_newest_run
          ? "not in the newest run"
          : againstText(newest.against, better),
      ];
      lines.push(`| ${cells.map(markdownInline).join(" | ")} |`);
    }
    lines.push("", METHOD_TEXT);
  } else lines.push("No run measured a whole configuration yet.");
  return `${lines.join("\n")}\n`;
}
