/** The events below the panels, on the same time axis: one row per event, so that no texts overlap. */

import type { HistoryHeader, HistorySeries } from "../../analysis/history/history-types.js";
import { differencesText } from "../words/history.js";
import { shownLabel } from "../words/names.js";
import { describeReasons } from "../words/reasons.js";
import { encodeTime, PANEL_WIDTH, type TimeAxis } from "./history-panel.js";
import { breakLines, COLORS } from "./style.js";

const MOST_EVENTS = 12;
const ROW_HEIGHT = 16;
const LONGEST = 84;

export interface EventLine {
  readonly at: string;
  readonly text: string;
}

/** Returns the newest events: changes of the machine, libraries or program, and points where a series starts over. */
export function eventLines(
  report: HistoryHeader,
  series: readonly HistorySeries[],
  dateText: (at: string) => string,
): readonly EventLine[] {
  const changes = report.environment_changes.map(({ at, differences }) => ({
    at,
    text: `${dateText(at)} ${differencesText(differences, 3)}`,
  }));
  const breaks = series.flatMap(({ configuration, breaks: own }) =>
    own.map(({ at, reasons }) => ({
      at,
      text: `${dateText(at)} ${shownLabel(configuration)} starts over: ${describeReasons(reasons)}`,
    })),
  );
  const all = [...changes, ...breaks].sort((a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : 0));
  return all.slice(-MOST_EVENTS);
}

export function eventPanel(lines: readonly EventLine[], axis: TimeAxis) {
  const middle = (Date.parse(axis.domain[0]) + Date.parse(axis.domain[1])) / 2;
  const rows = lines.map(({ at, text }, row) => ({
    at,
    row,
    text: breakLines(text, LONGEST, 1)[0] ?? "",
    // The text goes on the side that has room.
    isLeft: Date.parse(at) < middle,
  }));
  const y = {
    field: "row",
    type: "quantitative",
    scale: { domain: [-0.7, lines.length - 0.3], reverse: true },
    axis: null,
  };
  const text = (isLeft: boolean) => ({
    transform: [{ filter: `datum.isLeft === ${isLeft}` }],
    mark: {
      type: "text",
      align: isLeft ? "left" : "right",
      dx: isLeft ? 6 : -6,
      fontSize: 10,
      color: COLORS.text,
    },
    encoding: { x: encodeTime("at", axis), y, text: { field: "text" } },
  });
  return {
    width: PANEL_WIDTH,
    height: Math.max(1, lines.length) * ROW_HEIGHT,
    view: { stroke: null },
    data: { values: rows },
    layer: [
      {
        mark: { type: "rule", color: COLORS.muted, strokeDash: [4, 3] },
        encoding: { x: encodeTime("at", axis), y, y2: { datum: -0.7 } },
      },
      {
        mark: { type: "point", filled: true, size: 25, color: COLORS.muted, opacity: 1 },
        encoding: { x: encodeTime("at", axis), y },
      },
      text(true),
      text(false),
    ],
  };
}
