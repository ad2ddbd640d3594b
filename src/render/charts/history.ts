/** A metric over the runs of an experiment: one panel per configuration, a shared time axis, and the events below the panels. */
import type { TopLevelSpec } from "vega-lite";
import type { HistoryHeader, HistorySeries } from "../../analysis/history/history-types.js";
import { pluralize, safeLine } from "../../base/text.js";
import { changeWords, dateWriter } from "../words/history.js";
import { shownLabel } from "../words/names.js";
import { eventLines, eventPanel } from "./history-events.js";
import { historyPanel, timeAxis } from "./history-panel.js";
import { axisUnit, buildPanelData, MOST_WHISKERS } from "./history-panel-data.js";
import { breakLines, CHART_HEAD, COLORS } from "./style.js";

/** A picture with more panels would be too large to look at; history.json has all of them. */
const MOST_PANELS = 24;
const MOST_CHANGES = 3;

/** All `series` belong to one metric. */
export function historyChart(report: HistoryHeader, series: readonly HistorySeries[]): TopLevelSpec {
  const dateText = dateWriter(report);
  const shown = series.slice(0, MOST_PANELS);
  const axis = timeAxis(report);
  const unit = axisUnit(series);
  const lines = eventLines(report, shown, dateText);
  const [first] = series;
  const left = series.length - shown.length;
  return {
    ...CHART_HEAD,
    title: {
      text: breakLines(
        `${safeLine(report.experiment)}: ${formatTitle(first?.title ?? "", unit.title)}`,
        72,
        3,
      ),
      subtitle: [
        `${pluralize(report.runs.length, "run")} · ${describeSpread(series)}`,
        "dark line: level · red or green: where it changed, with its interval · dashed: machine, libraries or program changed",
        ...(report.missed_runs.length > 0
          ? [`grey stroke at the bottom: a run was due but did not start`]
          : []),
        ...(left > 0 ? [`${pluralize(left, "more configuration")} in history.json`] : []),
      ],
    },
    spacing: 18,
    vconcat: [
      ...shown.map((one, index) => ({
        title: panelTitle(one, dateText),
        ...historyPanel(buildPanelData(report, one, unit), axis, {
          unit,
          isLast: index === shown.length - 1,
          marks: lines.map(({ at }) => at),
        }),
      })),
      ...(lines.length === 0 ? [] : [eventPanel(lines, axis)]),
    ],
  } as unknown as TopLevelSpec;
}

function formatTitle(title: string, unit: string): string {
  return title === unit ? safeLine(title) : `${safeLine(title)}, ${unit}`;
}

function describeSpread(series: readonly HistorySeries[]): string {
  const most = Math.max(...series.map(({ points }) => points.length));
  const each = most > MOST_WHISKERS ? `, about ${Math.ceil(most / MOST_WHISKERS)} runs per point` : "";
  switch (series[0]?.spread) {
    case "trials":
      return `median of a run's trials; pale: lowest to highest trial${each}`;
    case "ci95":
      return `pale: 95 % interval${each}`;
    default:
      return `one figure per run${each}`;
  }
}

function panelTitle(series: HistorySeries, dateText: (at: string) => string) {
  const changes = series.changes.slice(-MOST_CHANGES).flatMap((change) => {
    // Environment changes that coincide with it are listed below the panels instead.
    const text = changeWords([{ series, change: { ...change, together_with: [] } }], dateText);
    return breakLines(text, 100, 2);
  });
  const few = series.too_few_runs;
  const notes = [
    ...changes,
    ...(series.changes.length > MOST_CHANGES
      ? [`and ${pluralize(series.changes.length - MOST_CHANGES, "earlier change")}`]
      : []),
    ...(few === null
      ? []
      : [`too few runs to detect a change (${few.runs}; ${few.needed} comparable ones are needed)`]),
  ];
  return {
    text: breakLines(shownLabel(series.configuration), 80, 2),
    fontSize: 12,
    offset: 6,
    frame: "group",
    ...(notes.length === 0 ? {} : { subtitle: notes, subtitleColor: COLORS.text, subtitleFontSize: 10 }),
  };
}
