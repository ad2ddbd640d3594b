/**
 * The article's figure: one chart per configuration, x = trial, left axis memory in red, right axis seconds in blue.
 *
 * Both axes start at zero, so that a wobble of 1 % looks like 1 %; the subtitle gives the exact ranges. The time axis
 * reaches higher above its data than the memory axis does, so that two level lines do not overlap.
 */
import type { TopLevelSpec } from "vega-lite";
import { computeStatistics, type Statistics } from "../../base/statistics.js";
import { charactersIn } from "./axis-headroom.js";
import { breakLines, CHART_CONFIG, COLORS, shown, VEGA_LITE_SCHEMA } from "./style.js";

const HEIGHT = 280;
const TICKS = 6;
const SUBTITLE_CHARACTERS = 88;
/** Fewer fit into a title, which is bold and larger. */
const TITLE_CHARACTERS = 62;
const MEMORY_HEADROOM = 1.25;
const TIME_HEADROOM = 2;
/** With more runs than this, single points would run into one another. */
const MAX_RUNS_WITH_POINTS = 120;

export interface ArticleRow {
  /** 1-based. */
  readonly run: number;
  readonly memory_gb: number | null;
  readonly elapsed_sec: number | null;
  /** Id of the prompt. `repeat`: which repeat of it this is, counted from 1. */
  readonly prompt: string;
  readonly repeat: number;
  /** Why there is nothing to draw for this run; null if there is something. */
  readonly failure: string | null;
}

export interface ArticleChartInput {
  /** Id. */
  readonly configuration: string;
  readonly model: string;
  readonly label: string;
  readonly memoryAxis: string;
  /** Shown in place of data when no run completed. */
  readonly emptyNote: string;
  readonly rows: readonly ArticleRow[];
}

/** Pixels for axes, their titles and the padding, left and right together. */
const BESIDE_PLOT = 158;

/** `room`: width in pixels that the whole chart may take; without it, the chart is as wide as its runs need. */
export function articleChart(input: ArticleChartInput, room?: number): TopLevelSpec {
  const { configuration, memoryAxis, emptyNote, rows } = input;
  const runs = Math.max(1, ...rows.map((row) => row.run));
  const memory = computeStatistics(rows.flatMap((row) => row.memory_gb ?? []));
  const time = computeStatistics(rows.flatMap((row) => row.elapsed_sec ?? []));
  const natural = Math.min(880, Math.max(440, runs * 22));
  const width = room === undefined ? natural : Math.max(140, Math.min(natural, room - BESIDE_PLOT));
  const characters = Math.min(SUBTITLE_CHARACTERS, charactersIn(width + BESIDE_PLOT - 28));
  const titleWidth = Math.min(TITLE_CHARACTERS, Math.floor(characters * 0.7));
  const hasPoints = runs <= MAX_RUNS_WITH_POINTS;
  const isEmpty = memory === null && time === null;
  const failures = rows.filter((row) => row.failure !== null);

  const trialTooltip = [
    shown("label", "configuration"),
    shown("run", "trial", "d"),
    shown("prompt", "prompt"),
    shown("repeat", "repeat", "d"),
  ];
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
          ...trialTooltip,
          shown("memory_gb", memoryAxis, ".3f"),
          shown("elapsed_sec", "execution time (s)", ".3f"),
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
    data: { values: failures.map((row) => ({ configuration, label: input.label, ...row })) },
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
        encoding: {
          y: { value: HEIGHT - 10 },
          color: { value: COLORS.failure },
          tooltip: [...trialTooltip, shown("failure", "failed")],
        },
      },
      // Labels are vertical: next to each other, horizontal ones would overlap.
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
    data: {
      values: [
        { note: ["No completed run.", ...breakLines(emptyNote, Math.min(56, charactersIn(width, 13)), 6)] },
      ],
    },
    mark: { type: "text" as const, fontSize: 13, lineHeight: 18, color: COLORS.failure },
    encoding: { x: { value: width / 2 }, y: { value: HEIGHT / 3 }, text: { field: "note" } },
  };

  return {
    $schema: VEGA_LITE_SCHEMA,
    background: "white",
    padding: 14,
    config: CHART_CONFIG,
    title: {
      text: breakLines(title(memoryAxis), titleWidth, 3),
      subtitle: [
        ...breakLines(`${input.model} · ${input.label}`, characters, 4),
        ...ranges(memoryAxis, memory, time, failures.length, characters),
      ],
    },
    width,
    height: HEIGHT,
    data: { values: rows.map((row) => ({ configuration, label: input.label, ...row })) },
    encoding: {
      x: {
        field: "run",
        type: "quantitative",
        scale: { domain: [0.5, runs + 0.5], nice: false, zero: false },
        axis: { title: "Trial", values: runTicks(runs, width), format: "d", grid: false },
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

/** Ticks at every run if they fit, else at every 5th, 10th, 50th …: always whole numbers, always including the first run. */
function runTicks(runs: number, width: number): number[] {
  const most = Math.max(4, Math.floor(width / 22));
  if (runs <= most) return Array.from({ length: runs }, (_, i) => i + 1);
  const fewer = Math.min(12, most - 2);
  const step =
    [2, 5, 10, 20, 50, 100, 200, 500, 1000].find((size) => runs / size <= fewer) ?? Math.ceil(runs / fewer);
  return [1, ...Array.from({ length: Math.floor(runs / step) }, (_, i) => (i + 1) * step)];
}

/** The article's title, with the kind of memory that was actually measured. */
function title(memoryAxis: string): string {
  const memory = memoryAxis.includes("GPU") ? "GPU Memory Consumption" : withoutUnit(memoryAxis);
  return `${memory} and Execution Time for Each Trial`;
}

function withoutUnit(axis: string): string {
  return axis.replace(/ \(GB\)$/, "");
}

/** The measured ranges, on one line if they fit, else on one line each. */
function ranges(
  memoryAxis: string,
  memory: Statistics | null,
  time: Statistics | null,
  failed: number,
  characters: number,
): readonly string[] {
  const parts: string[] = [];
  if (memory !== null) parts.push(`${withoutUnit(memoryAxis)} ${range(memory, "GB", 3)}`);
  if (time !== null) parts.push(`time ${range(time, "s", time.max < 10 ? 2 : 1)}`);
  if (failed > 0) parts.push(`${failed} failed (×)`);
  if (parts.length === 0) return ["nothing was measured"];
  const line = parts.join(" · ");
  return line.length <= characters ? [line] : parts.flatMap((part) => breakLines(part, characters, 2));
}

function range({ n, min, median, max }: Statistics, unit: string, decimals: number): string {
  const text = (value: number) => value.toFixed(decimals);
  return n === 1 ? `${text(median)} ${unit}` : `${text(min)}–${text(max)} ${unit}, median ${text(median)}`;
}
