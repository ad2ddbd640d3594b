/** A chart with every kind of mark that a long history has, of invented values. */
import type { TopLevelSpec } from "vega-lite";
import { CHANGE_TEST } from "../../analysis/history/change-points.js";
import {
  HISTORY_SCHEMA_VERSION,
  type HistoryHeader,
  type HistorySeries,
} from "../../analysis/history/history-types.js";
import { historyChart } from "./history.js";
import { MOST_WHISKERS } from "./history-panel-data.js";

const RUNS = 2 * MOST_WHISKERS;
const STEP_AT = RUNS / 2;
const DAY_MS = 86_400_000;
const PANELS = 3;

const formatDay = (run: number): string => new Date(run * DAY_MS).toISOString();

/**
 * The first chart that Vega draws takes several times as long as the next ones: where many runs are to be read first, this one is
 * drawn meanwhile and thrown away.
 */
export function exampleHistoryChart(): TopLevelSpec {
  const runs = Array.from({ length: RUNS }, (_, run) => run);
  const value = 20;
  const change = {
    run_id: "",
    at: formatDay(STEP_AT),
    at_low: formatDay(STEP_AT - 2),
    at_high: formatDay(STEP_AT + 2),
  };
  const series: HistorySeries = {
    configuration: "none",
    metric: "decode_tokens_per_sec",
    title: "tokens/s",
    text_id: null,
    better: "higher",
    unit: "tokens a second",
    spread: "trials",
    points: runs.map((run) => ({
      run,
      ...(run % 50 === 0
        ? { value: null, low: null, high: null, status: "failed" }
        : { value: value + (run % 7), low: value - 1, high: value + 8, status: "completed" }),
      segment: 0,
    })),
    breaks: [],
    levels: [
      { from_at: formatDay(0), to_at: formatDay(STEP_AT - 1), runs: STEP_AT, median: value },
      { from_at: formatDay(STEP_AT), to_at: formatDay(RUNS - 1), runs: STEP_AT, median: value + 1 },
    ],
    changes: [
      {
        ...change,
        before: value,
        after: value + 1,
        ratio: 1.05,
        ci95_low: 1.04,
        ci95_high: 1.06,
        p_value: 0.005,
        verdict: "better",
        together_with: [],
      },
    ],
    too_few_runs: null,
    has_no_ratio: false,
    newest: null,
  };
  const header: HistoryHeader = {
    schema_version: HISTORY_SCHEMA_VERSION,
    experiment: "example",
    runs: runs.map((run) => ({ run_id: "", started_at: formatDay(run), status: "completed" })),
    environment_changes: [
      {
        run_id: "",
        at: formatDay(STEP_AT),
        differences: [{ what: "bitsandbytes", before: "1", after: "2", is_known: true }],
      },
    ],
    every_sec: null,
    missed_runs: [],
    change_test: CHANGE_TEST,
  };
  return historyChart(
    header,
    Array.from({ length: PANELS }, () => series),
  );
}
