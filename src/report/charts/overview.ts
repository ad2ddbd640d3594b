/**
 * All configurations side by side: weights and peak memory, time, speed. One row a configuration in every panel; bars are
 * means, dots the single trials, whiskers the 95 % interval of the mean, and the dashed line is the reference.
 */
import type { TopLevelSpec } from "vega-lite";
import { safeLine } from "../../base/untrusted-text.js";
import { type ConfigurationData, completedTrials, type RunData } from "../../results/run-data.js";
import { commonMemoryMetric, memoryName } from "../memory-metric.js";
import { natsText } from "../quality-text.js";
import { statusText } from "../status-text.js";
import type { ConfigurationSummary, RunSummary } from "../summary.js";
import { NAME_LINE_HEIGHT, overviewPanel, type PanelBar } from "./overview-panel.js";
import { breakLines, CHART_CONFIG, COLORS, VEGA_LITE_SCHEMA } from "./style.js";

const BYTES_PER_GB = 1e9;
const LABEL_CHARACTERS = 30;
const LABEL_LINES = 4;

/** A configuration as the chart draws it. */
export interface OverviewRow {
  /** Label for the axis, lines separated by `\n`; unique. */
  readonly name: string;
  readonly isReference: boolean;
  /** Why values are missing. */
  readonly status: string;
  readonly memoryName: string;
  readonly weightsGb: number | null;
  readonly peakGb: readonly number[];
  readonly elapsedSec: readonly number[];
  readonly tokensPerSec: readonly number[];
  /** Of every scored token of the first text, nats. */
  readonly klNats: readonly number[];
}

/** The rows of a run, in the plan's order. */
export function overviewRows(data: RunData, summary: RunSummary): OverviewRow[] {
  const names = new Set<string>();
  return data.configurations.flatMap((configuration, index) => {
    const own = summary.configurations[index];
    if (own === undefined) return [];
    const measurements = completedTrials(configuration).map((trial) => trial.measurement);
    const metric = own.memory_metric;
    return {
      name: uniqueName(own, names),
      isReference: own.is_reference,
      status: statusText(configuration),
      memoryName: memoryName(metric),
      weightsGb: own.weights_bytes === null ? null : own.weights_bytes / BYTES_PER_GB,
      peakGb: metric === null ? [] : measurements.flatMap((m) => gigabytes(m[metric])),
      elapsedSec: measurements.map((m) => m.elapsed_sec),
      tokensPerSec: measurements.flatMap((m) => m.decode_tokens_per_sec ?? []),
      klNats: klOf(configuration),
    };
  });
}

function klOf({ quality: [first] }: ConfigurationData): readonly number[] {
  return first?.status === "completed" ? (first.measurement.against_reference?.kl_nats ?? []) : [];
}

function gigabytes(bytes: number | null): number[] {
  return bytes === null ? [] : [bytes / BYTES_PER_GB];
}

function uniqueName(configuration: ConfigurationSummary, taken: Set<string>): string {
  const lines = breakLines(safeLine(configuration.label), LABEL_CHARACTERS, LABEL_LINES);
  const { trials_completed, trials_planned } = configuration;
  if (configuration.is_reference) lines.push("(reference)");
  if (trials_completed > 0 && trials_completed < trials_planned) {
    lines.push(`(${trials_completed} of ${trials_planned} trials)`);
  }
  const name = lines.join("\n");
  const unique = taken.has(name) ? `${name} #${taken.size + 1}` : name;
  taken.add(unique);
  return unique;
}

export function overviewChart(data: RunData, summary: RunSummary): TopLevelSpec {
  const rows = overviewRows(data, summary);
  const metric = commonMemoryMetric(
    summary.configurations.map((configuration) => configuration.memory_metric),
  );
  const lines = Math.max(1, ...rows.map((row) => row.name.split("\n").length));
  const rowHeight = Math.max(46, lines * NAME_LINE_HEIGHT + 12);
  const layout = { names: rows.map((row) => row.name), rowHeight };
  const reference = rows.find((row) => row.isReference);
  const missing = (hasValue: (row: OverviewRow) => boolean, isFirst: (row: OverviewRow) => boolean) =>
    rows
      .filter((row) => !hasValue(row))
      .map((row) => ({ name: row.name, note: isFirst(row) ? breakLines(row.status, 32, 3) : ["–"] }));
  const hasMemory = (row: OverviewRow) => row.weightsGb !== null || row.peakGb.length > 0;
  const hasTime = (row: OverviewRow) => row.elapsedSec.length > 0;

  const memoryBars = rows.flatMap((row): PanelBar[] => [
    ...(row.weightsGb === null
      ? []
      : [{ name: row.name, slot: "weights", word: "weights", values: [row.weightsGb], showValues: false }]),
    ...(row.peakGb.length === 0
      ? []
      : [
          {
            name: row.name,
            slot: "peak",
            word: peakWord(row, metric === null),
            values: row.peakGb,
            showValues: true,
          },
        ]),
  ]);
  const plainBars = (values: (row: OverviewRow) => readonly number[]): PanelBar[] =>
    rows
      .filter((row) => values(row).length > 0)
      .map((row) => ({ name: row.name, slot: "one", word: "", values: values(row), showValues: true }));

  return {
    $schema: VEGA_LITE_SCHEMA,
    background: "white",
    padding: 14,
    config: { ...CHART_CONFIG, concat: { spacing: 28 } },
    title: {
      text: breakLines(`${safeLine(summary.model_name)}: configurations side by side`, 90, 3),
      subtitle: [
        `Bar: mean over trials · dot: one trial · whisker: 95 % interval of the mean${reference === undefined || reference.elapsedSec.length === 0 ? "" : " · dashed line: the reference"}`,
        ...breakLines(safeLine(summary.model_note ?? ""), 120, 3).filter((line) => line !== ""),
      ],
    },
    hconcat: [
      overviewPanel({
        ...layout,
        title: `Weights and ${lowerFirst(memoryName(metric))} (GB)`,
        width: 290,
        showNames: true,
        slots: ["weights", "peak"],
        colors: { weights: COLORS.weights, peak: COLORS.peak },
        dotColor: COLORS.memory,
        format: (value) => `${significant(value)} GB`,
        bars: memoryBars,
        missing: missing(hasMemory, () => true),
        reference: reference === undefined ? null : meanOf(reference.peakGb),
      }),
      overviewPanel({
        ...layout,
        title: "Time per trial (s), less is better",
        width: 210,
        showNames: false,
        slots: ["one"],
        colors: { one: COLORS.timeBar },
        dotColor: COLORS.time,
        format: (value) => `${significant(value)} s`,
        bars: plainBars((row) => row.elapsedSec),
        missing: missing(hasTime, hasMemory),
        reference: reference === undefined ? null : meanOf(reference.elapsedSec),
      }),
      overviewPanel({
        ...layout,
        title: "Decoding (tokens/s), more is better",
        width: 210,
        showNames: false,
        slots: ["one"],
        colors: { one: COLORS.speedBar },
        dotColor: COLORS.speed,
        format: significant,
        bars: plainBars((row) => row.tokensPerSec),
        missing: missing(
          (row) => row.tokensPerSec.length > 0,
          () => false,
        ),
        reference: reference === undefined ? null : meanOf(reference.tokensPerSec),
      }),
      ...(rows.some(({ klNats }) => klNats.length > 0)
        ? [
            overviewPanel({
              ...layout,
              title: "KL divergence (nats), less is better",
              width: 210,
              showNames: false,
              slots: ["one"],
              colors: { one: COLORS.qualityBar },
              dotColor: COLORS.muted,
              format: natsText,
              bars: rows
                .filter(({ klNats }) => klNats.length > 0)
                .map(({ name, klNats }) => ({
                  name,
                  slot: "one",
                  word: "",
                  values: klNats,
                  showValues: false,
                })),
              missing: rows
                .filter(({ klNats }) => klNats.length === 0)
                .map(({ name, isReference }) => ({
                  name,
                  note: [isReference ? "the reference itself" : "–"],
                })),
              reference: null,
            }),
          ]
        : []),
    ],
  } as TopLevelSpec;
}

function peakWord(row: OverviewRow, isMixed: boolean): string {
  return isMixed ? lowerFirst(row.memoryName) : "peak";
}

/** "Peak RSS" → "peak RSS" within a sentence. */
function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1);
}

function meanOf(values: readonly number[]): number | null {
  return values.length === 0 ? null : values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** Three significant digits, never an exponent. */
function significant(value: number): string {
  if (value >= 100) return value.toFixed(0);
  if (value >= 10) return value.toFixed(1);
  return value.toFixed(value >= 1 ? 2 : 3);
}
