/**
 * The article's figure: one chart a configuration, x = run, left axis memory in red, right axis seconds in blue.
 *
 * Both axes start at zero, so that a wobble of 1 % looks like 1 %; the subtitle gives the exact ranges. The time axis
 * reaches higher above its data than the memory axis does, so that two level lines do not lie on each other.
 */
import type { TopLevelSpec } from "vega-lite";
import { type Statistics, statisticsOf } from "../../base/statistics.js";
import { safeLine } from "../../base/untrusted-text.js";
import type { ConfigurationData } from "../../results/run-data.js";
import { memoryMetricOf, memoryName } from "../memory-metric.js";
import { statusText } from "../status-text.js";
import { breakLines, CHART_CONFIG, COLORS, VEGA_LITE_SCHEMA } from "./style.js";

const BYTES_PER_GB = 1e9;
const HEIGHT = 280;
const TICKS = 6;
const SUBTITLE_CHARACTERS = 88;
const MEMORY_HEADROOM = 1.25;
const TIME_HEADROOM = 2;
/** Above this many runs single points run into one another. */
const MAX_RUNS_WITH_POINTS = 120;

export interface ArticleRow {
  /** 1-based. */
  readonly run: number;
  readonly memory_gb: number | null;
  readonly elapsed_sec: number | null;
  /** Why there is nothing to draw at this run; null when there is. */
  readonly failure: string | null;
}

export interface ArticleChartInput {
  readonly model: string;
  readonly label: string;
  readonly memoryAxis: string;
  /** Shown in place of data when no run completed. */
  readonly emptyNote: string;
  readonly rows: readonly ArticleRow[];
}

/** The rows of one configuration's chart. */
export function articleChartInput(modelName: string, configuration: ConfigurationData): ArticleChartInput {
  const completed = configuration.trials.filter((trial) => trial.status === "completed");
  const metric = memoryMetricOf(completed.map((trial) => trial.measurement));
  return {
    model: safeLine(modelName),
    label: safeLine(configuration.plan.worker.label),
    memoryAxis: `${memoryName(metric)} (GB)`,
    emptyNote: statusText(configuration),
    rows: configuration.trials.map((trial) => {
      const run = trial.trial_index + 1;
      if (trial.status === "failed") {
        return { run, memory_gb: null, elapsed_sec: null, failure: safeLine(trial.failure.code) };
      }
      const bytes = metric === null ? null : trial.measurement[metric];
      const { elapsed_sec } = trial.measurement;
      return { run, memory_gb: bytes === null ? null : bytes / BYTES_PER_GB, elapsed_sec, failure: null };
    }),
  };
}

export function articleChart(input: ArticleChartInput): TopLevelSpec {
  const { memoryAxis, emptyNote, rows } = input;
  const runs = Math.max(1, ...rows.map((row) => row.run));
  const memory = statisticsOf(rows.flatMap((row) => row.memory_gb ?? []));
  const time = statisticsOf(rows.flatMap((row) => row.elapsed_sec ?? []));
  const width = Math.min(880, Math.max(440, runs * 22));
  const hasPoints = runs <= MAX_RUNS_WITH_POINTS;
  const isEmpty = memory === null && time === null;
  const failures = rows.filter((row) => row.failure !== null);

  const series = (field: "memory_gb" | "elapsed_sec", axisTitle: string, max: number) => {
    const isMemory = field === "memory_gb";
    const color = isMemory ? COLORS.memory : COLORS.time;
    const axis = {
      title: axisTitle,
      orient: isMemory ? ("left" as const) : ("right" as const),
      titleColor: color,
      labelColor: color,
      grid: isMemory,
      tickCount: TICKS,
      titlePadding: 10,
    };
    const dash = isMemory ? {} : { strokeDash: [6, 4] };
    const shape = isMemory ? ("circle" as const) : ("triangle-up" as const);
    return {
      encoding: {
        y: { field, type: "quantitative" as const, scale: { domain: [0, max], nice: TICKS }, axis },
        tooltip: [
          { field: "run", title: "Run" },
          { field, title: axisTitle, format: ".4f" },
        ],
      },
      layer: [
        { mark: { type: "line" as const, color, strokeWidth: 2, ...dash } },
        ...(hasPoints
          ? [
              {
                mark: {
                  type: "point" as const,
                  color,
                  shape,
                  size: runs > 40 ? 28 : 64,
                  filled: true,
                  opacity: 1,
                },
              },
            ]
          : []),
      ],
    };
  };

  const failureMarks = {
    data: { values: failures.map((row) => ({ run: row.run, failure: row.failure })) },
    layer: [
      {
        mark: {
          type: "point" as const,
          shape: "cross" as const,
          angle: 45,
          size: 110,
          filled: true,
          opacity: 1,
        },
        encoding: { y: { value: HEIGHT - 10 }, color: { value: COLORS.failure } },
      },
      // Labels stand upright: side by side they would run into one another.
      ...(failures.length <= 40
        ? [
            {
              mark: { type: "text" as const, angle: 270, align: "left" as const, dx: 20, fontSize: 10 },
              encoding: {
                y: { value: HEIGHT },
                text: { field: "failure" },
                color: { value: COLORS.failure },
              },
            },
          ]
        : []),
    ],
  };
  const emptyMark = {
    data: { values: [{ note: ["No completed run.", ...breakLines(emptyNote, 56, 6)] }] },
    mark: { type: "text" as const, fontSize: 13, lineHeight: 18, color: COLORS.failure },
    encoding: { x: { value: width / 2 }, y: { value: HEIGHT / 3 }, text: { field: "note" } },
  };

  return {
    $schema: VEGA_LITE_SCHEMA,
    background: "white",
    padding: 14,
    config: CHART_CONFIG,
    title: {
      text: title(memoryAxis),
      subtitle: [
        ...breakLines(`${input.model} · ${input.label}`, SUBTITLE_CHARACTERS, 4),
        ...ranges(memoryAxis, memory, time, failures.length),
      ],
    },
    width,
    height: HEIGHT,
    data: { values: rows.map((row) => ({ ...row })) },
    encoding: {
      x: {
        field: "run",
        type: "quantitative",
        scale: { domain: [0.5, runs + 0.5], nice: false, zero: false },
        axis: { title: "Run", values: runTicks(runs), format: "d", grid: false },
      },
    },
    layer: [
      ...(memory === null
        ? []
        : [series("memory_gb", `● ${memoryAxis}`, (memory.max || 1) * MEMORY_HEADROOM)]),
      ...(time === null
        ? []
        : [series("elapsed_sec", "▲ Execution time (s)", (time.max || 1) * TIME_HEADROOM)]),
      ...(failures.length > 0 ? [failureMarks] : []),
      ...(isEmpty ? [emptyMark] : []),
    ],
    resolve: { scale: { y: "independent" } },
  } as TopLevelSpec;
}

/** Every run up to 20, then every 5th, 10th, 50th …: always whole numbers, always the first. */
function runTicks(runs: number): number[] {
  if (runs <= 20) return Array.from({ length: runs }, (_, i) => i + 1);
  const step = [5, 10, 20, 50, 100, 200, 500, 1000].find((size) => runs / size <= 12) ?? Math.ceil(runs / 10);
  return [1, ...Array.from({ length: Math.floor(runs / step) }, (_, i) => (i + 1) * step)];
}

/** The article's title, with the memory that was really measured. */
function title(memoryAxis: string): string {
  const memory = memoryAxis.includes("GPU") ? "GPU Memory Consumption" : withoutUnit(memoryAxis);
  return `${memory} and Execution Time for Each Run`;
}

function withoutUnit(axis: string): string {
  return axis.replace(/ \(GB\)$/, "");
}

/** What was measured, on one line where it fits, else a line each. */
function ranges(
  memoryAxis: string,
  memory: Statistics | null,
  time: Statistics | null,
  failed: number,
): readonly string[] {
  const parts: string[] = [];
  if (memory !== null) parts.push(`${withoutUnit(memoryAxis)} ${range(memory, "GB", 3)}`);
  if (time !== null) parts.push(`time ${range(time, "s", time.max < 10 ? 2 : 1)}`);
  if (failed > 0) parts.push(`${failed} failed (×)`);
  if (parts.length === 0) return ["nothing was measured"];
  const line = parts.join(" · ");
  return line.length <= SUBTITLE_CHARACTERS ? [line] : parts;
}

function range({ n, min, median, max }: Statistics, unit: string, decimals: number): string {
  const text = (value: number) => value.toFixed(decimals);
  return n === 1 ? `${text(median)} ${unit}` : `${text(min)}–${text(max)} ${unit}, median ${text(median)}`;
}
