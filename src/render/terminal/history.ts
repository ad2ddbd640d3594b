/** The history as text for the terminal: findings first, then one table per configuration. */
import pc from "picocolors";
import stringWidth from "string-width";
import type { Check, HistoryReport, HistorySeries } from "../../analysis/history/history-types.js";
import { pluralize, safeLine, wrapText } from "../../base/text.js";
import {
  againstText,
  againstVerdict,
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
import { describeReasons } from "../words/reasons.js";
import { fitTable, nameColumn, type TableColumn, textWithDropped } from "./fit-table.js";
import { sparkline } from "./sparkline.js";

interface Style {
  readonly columns: number;
  readonly color: boolean;
  /** Whether more than ASCII can be shown in sparklines. */
  readonly blocks: boolean;
}

type Colors = ReturnType<typeof pc.createColors>;
type DateText = (at: string) => string;

export const OUTCOME_WORDS: Readonly<Record<Check["outcome"], string>> = {
  regression: "REGRESSION",
  "within-limit": "ok",
  "within-noise": "noise",
  "too-few-runs": "unknown",
  disturbed: "unknown",
  "no-figure": "unknown",
};
const MOST_EVENTS = 10;
const WIDEST_SPARKLINE = 40;
const NARROWEST_SPARKLINE = 8;

export function historyText(report: HistoryReport, style: Style): string {
  const colors = pc.createColors(style.color);
  const dateText = dateWriter(report);
  const header = `${safeLine(report.experiment)}: ${runsText(report, dateText)}`;
  const configurations = [...new Set(report.series.map(({ configuration }) => configuration))];
  const lines = [
    ...wrapText(header, style.columns).map((line) => colors.bold(line)),
    ...checks(report.checks, style, colors),
    ...changes(report, style, colors, dateText),
    ...events(report, style, dateText),
    ...configurations.flatMap((configuration) => [
      "",
      ...wrapText(shownLabel(configuration), style.columns).map((line) => colors.bold(line)),
      table(
        report.series.filter((one) => one.configuration === configuration),
        style,
        colors,
      ),
    ]),
    ...notes(report, style, dateText).map((line) => colors.dim(line)),
  ];
  return lines.join("\n");
}

function checks(all: readonly Check[], style: Style, colors: Colors): string[] {
  return all.flatMap((check) => {
    const isRegression = check.outcome === "regression";
    const text = `${OUTCOME_WORDS[check.outcome]} ${checkText(check)}`;
    return wrapText(text, style.columns).map((line) => (isRegression ? colors.red(line) : line));
  });
}

function changes(report: HistoryReport, style: Style, colors: Colors, dateText: DateText): string[] {
  const found = groupChanges(report);
  if (found.length === 0) return [];
  const lines = found.flatMap((group) => {
    const color = group.verdict === "worse" ? colors.red : colors.green;
    return wrapText(`  ${changeText(group, dateText)}`, style.columns).map((line) => color(line));
  });
  return ["", "Changes:", ...lines];
}

function events(report: HistoryReport, style: Style, dateText: DateText): string[] {
  const { environment_changes: all, missed_runs: missed } = report;
  const lines = all
    .slice(-MOST_EVENTS)
    .flatMap(({ at, differences }) =>
      wrapText(`  ${dateText(at)}: ${differencesText(differences, 8)}`, style.columns),
    );
  const more = all.length - MOST_EVENTS;
  if (more > 0) lines.unshift(`  ${pluralize(more, "earlier change")} (--json has all)`);
  const late = missed.slice(-MOST_EVENTS).map((at) => dateText(at));
  return [
    ...(lines.length === 0 ? [] : ["", "Machine, libraries, program:", ...lines]),
    ...(missed.length === 0
      ? []
      : [
          "",
          ...wrapText(
            `Missed runs: ${missed.length > late.length ? `${missed.length - late.length} earlier (--json has all), ` : ""}${late.join(", ")}`,
            style.columns,
          ),
        ]),
  ];
}

function table(series: readonly HistorySeries[], style: Style, colors: Colors): string {
  const title = (one: HistorySeries) => safeLine(one.title);
  const newest = (one: HistorySeries) =>
    one.newest === null ? "–" : formatMetricValue(one.metric, one.newest.value);
  const against = (one: HistorySeries) => againstCell(one);
  const widest = (cell: (one: HistorySeries) => string, header: string) =>
    Math.max(header.length, ...series.map((one) => stringWidth(cell(one))));
  // Borders and padding of four cells take thirteen columns.
  const room =
    style.columns - 13 - widest(title, "") - widest(newest, "newest") - widest(against, "vs. before");
  const width = Math.max(NARROWEST_SPARKLINE, Math.min(WIDEST_SPARKLINE, room));
  const runs = Math.max(...series.map(({ points }) => points.length));
  const columns: readonly TableColumn<HistorySeries>[] = [
    nameColumn("", title),
    {
      header: pluralize(runs, "run"),
      cell: ({ points }) =>
        sparkline(
          points.map(({ value }) => value),
          { width, blocks: style.blocks },
        ),
      dropRank: 1,
    },
    { header: "newest", cell: newest, dropRank: 0 },
    {
      header: "vs. before",
      cell: (one) => {
        const verdict = againstVerdict(one.newest?.against ?? null, one.better);
        const color = verdict === "worse" ? colors.red : verdict === "better" ? colors.green : String;
        return color(against(one));
      },
      dropRank: 0,
    },
  ];
  return textWithDropped(fitTable(series, columns, style), style);
}

function againstCell({ newest, better }: HistorySeries): string {
  if (newest === null) return "–";
  const text = againstText(newest.against, better);
  return newest.is_of_newest_run ? text : `not in the newest run`;
}

function notes(report: HistoryReport, style: Style, dateText: DateText): string[] {
  const breaks = report.series.flatMap(({ configuration, breaks: own }) =>
    own.map(
      ({ at, reasons }) =>
        `${shownLabel(configuration)} starts over on ${dateText(at)}: ${describeReasons(reasons)}`,
    ),
  );
  const few = report.series.flatMap(({ too_few_runs }) => (too_few_runs === null ? [] : [too_few_runs]));
  const [first] = few.toSorted((a, b) => b.needed - a.needed);
  const tooFew =
    first === undefined
      ? []
      : [`Too few runs to detect a change (${first.runs}; ${first.needed} comparable ones are needed).`];
  const method = report.series.length === 0 ? "No run measured a whole configuration yet." : METHOD_TEXT;
  return [...new Set(breaks), ...tooFew, method].flatMap((text) => wrapText(text, style.columns));
}
