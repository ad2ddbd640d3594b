/**
 * All configurations side by side: weights and peak memory, time, speed. Every panel has one row per configuration. Bars are
 * medians, dots are single trials, whiskers reach from the smallest to the largest trial, and the dashed line is the reference.
 */

import type { TopLevelSpec } from "vega-lite";
import { computeMedian } from "../../base/statistics.js";
import { BYTES_PER_GB, formatBytes, formatNats, formatSeconds } from "../../base/units.js";
import { commonMemoryMetric, type MemoryMetric, memoryName } from "../../metrics/memory.js";
import type { KlDivergence } from "../../run/summary-schema.js";
import { charactersIn, namesWidth, rowNames, titleCharacters } from "./axis-headroom.js";
import {
  buildBar,
  NAME_LINE_HEIGHT,
  overviewPanel,
  type PanelBar,
  type PanelStatistics,
} from "./overview-panel.js";
import { breakLines, CHART_CONFIG, COLORS, VEGA_LITE_SCHEMA } from "./style.js";

const LABEL_CHARACTERS = 30;
const LABEL_LINES = 4;
const PADDING = 14;
const SPACING = 28;
const FIRST_WIDTH = 290;
const OTHER_WIDTH = 210;
/** Axis labels stick out at the right edge. */
const RIGHT_EDGE = 12;

/** A configuration as the chart draws it. */
export interface OverviewRow {
  /** Id. */
  readonly configuration: string;
  readonly label: string;
  /** Lines under the label. */
  readonly remarks: readonly string[];
  readonly isReference: boolean;
  /** Why values are missing. */
  readonly status: string;
  /** What kind of memory `peakGb` is. */
  readonly metric: MemoryMetric | null;
  readonly weightsGb: number | null;
  readonly peakGb: readonly number[];
  readonly elapsedSec: readonly number[];
  /** For a batch, the rate of all its rows together. */
  readonly tokensPerSec: readonly number[];
  /** Over every scored token of the first text, nats. */
  readonly kl: Pick<KlDivergence, "mean" | "ci95_low" | "ci95_high"> | null;
}

export interface OverviewInput {
  readonly modelName: string;
  /** Empty if there is none. */
  readonly modelNote: string;
  /** Whether any configuration answers several prompts at once. */
  readonly hasBatches: boolean;
  readonly rows: readonly OverviewRow[];
}

type Row = OverviewRow & { readonly name: string };
type Panel = Parameters<typeof overviewPanel>[0];

/** `room`: width in pixels that the whole chart may take; panels that do not fit into it side by side are stacked. */
export function overviewChart(input: OverviewInput, room?: number): TopLevelSpec {
  const hasKl = input.rows.some(({ kl }) => kl !== null);
  const natural = naturalWidth(input.rows, hasKl ? 4 : 3);
  const isStacked = room !== undefined && room < natural;
  const characters = isStacked ? Math.min(LABEL_CHARACTERS, charactersIn(room * 0.32)) : LABEL_CHARACTERS;
  const names = rowNames(input.rows, characters, LABEL_LINES);
  const rows = input.rows.map((row): Row => ({ ...row, name: names.get(row.configuration) ?? row.label }));
  const lines = Math.max(1, ...rows.map((row) => row.name.split("\n").length));
  const stackedWidth = isStacked
    ? Math.max(120, Math.min(560, room - namesWidth(names.values()) - 2 * PADDING - RIGHT_EDGE - 8))
    : 0;
  const panels = buildPanels(rows, hasKl, input.hasBatches).map((panel, index) =>
    overviewPanel({
      ...panel,
      names: rows.map(({ configuration, name }) => ({ configuration, name })),
      rowHeight: Math.max(46, lines * NAME_LINE_HEIGHT + 12),
      titleWidth: isStacked ? stackedWidth : Number.POSITIVE_INFINITY,
      width: isStacked ? stackedWidth : index === 0 ? FIRST_WIDTH : OTHER_WIDTH,
      showNames: isStacked || index === 0,
    }),
  );
  const reference = findOnlyReference(rows);
  const hasLine = reference !== undefined && reference.elapsedSec.length > 0;
  const titleRoom = isStacked ? room - 2 * PADDING : null;
  return {
    $schema: VEGA_LITE_SCHEMA,
    background: "white",
    padding: PADDING,
    config: { ...CHART_CONFIG, concat: { spacing: SPACING } },
    title: {
      text: breakLines(
        `${input.modelName}: configurations side by side`,
        titleRoom === null ? 90 : titleCharacters(titleRoom),
        3,
      ),
      subtitle: [
        ...breakLines(
          `Bar: median over trials · dot: one trial · whisker: smallest to largest${hasKl ? " (KL: mean and its 95 % interval)" : ""}${hasLine ? " · dashed line: the reference" : ""}`,
          titleRoom === null ? 200 : charactersIn(titleRoom),
          4,
        ),
        ...breakLines(input.modelNote, titleRoom === null ? 120 : charactersIn(titleRoom), 3).filter(
          (line) => line !== "",
        ),
      ],
    },
    ...(isStacked ? { vconcat: panels } : { hconcat: panels }),
  } as unknown as TopLevelSpec;
}

/** Width in pixels with all panels side by side. */
function naturalWidth(rows: readonly OverviewRow[], panels: number): number {
  const names = namesWidth(rowNames(rows, LABEL_CHARACTERS, LABEL_LINES).values());
  return 2 * PADDING + names + 8 + FIRST_WIDTH + (panels - 1) * (OTHER_WIDTH + SPACING) + RIGHT_EDGE;
}

const RANGE = "smallest to largest trial";

function buildPanels(
  rows: readonly Row[],
  hasKl: boolean,
  hasBatches: boolean,
): Omit<Panel, "names" | "rowHeight" | "titleWidth" | "width" | "showNames">[] {
  const metric = commonMemoryMetric(rows.map((row) => row.metric));
  const reference = findOnlyReference(rows);
  const referenceMedian = (samples: (row: Row) => readonly number[]) =>
    reference === undefined ? null : computeMedian(samples(reference));
  const missing = (hasValue: (row: Row) => boolean, isFirst: (row: Row) => boolean) =>
    rows
      .filter((row) => !hasValue(row))
      .map((row) => ({ name: row.name, note: isFirst(row) ? breakLines(row.status, 32, 3) : ["–"] }));
  const hasMemory = (row: Row) => row.weightsGb !== null || row.peakGb.length > 0;
  const memoryBars = rows.flatMap((row): PanelBar[] => [
    ...(row.weightsGb === null
      ? []
      : buildBar(row, "weights", "weights", [row.weightsGb]).map((bar) => ({ ...bar, dots: [] }))),
    ...buildBar(row, "peak", metric === null ? lowerFirst(memoryName(row.metric)) : "peak", row.peakGb),
  ]);
  const plain = {
    slots: ["one"],
    bars: (samples: (row: Row) => readonly number[]) =>
      rows.flatMap((row) => buildBar(row, "one", "", samples(row))),
  };
  return [
    {
      title: `Weights and ${lowerFirst(memoryName(metric))} (GB)`,
      slots: ["weights", "peak"],
      colors: { weights: COLORS.weights, peak: COLORS.peak },
      dotColor: COLORS.memory,
      format: (value) => formatBytes(value * BYTES_PER_GB),
      bars: memoryBars,
      missing: missing(hasMemory, () => true),
      reference: referenceMedian((row) => row.peakGb),
      whisker: RANGE,
    },
    {
      title: "Time per trial (s), lower is better",
      slots: plain.slots,
      colors: { one: COLORS.timeBar },
      dotColor: COLORS.time,
      format: (value) => (value < 1 ? formatSeconds(value) : `${significant(value)} s`),
      bars: plain.bars((row) => row.elapsedSec),
      missing: missing((row) => row.elapsedSec.length > 0, hasMemory),
      reference: referenceMedian((row) => row.elapsedSec),
      whisker: RANGE,
    },
    {
      title: `Decoding${hasBatches ? ", all rows" : ""} (tokens/s), higher is better`,
      slots: plain.slots,
      colors: { one: COLORS.speedBar },
      dotColor: COLORS.speed,
      format: significant,
      bars: plain.bars((row) => row.tokensPerSec),
      missing: missing(
        (row) => row.tokensPerSec.length > 0,
        () => false,
      ),
      reference: referenceMedian((row) => row.tokensPerSec),
      whisker: RANGE,
    },
    ...(hasKl ? [klPanel(rows)] : []),
  ];
}

function klPanel(rows: readonly Row[]) {
  return {
    title: "KL divergence (nats), lower is better",
    slots: ["one"],
    colors: { one: COLORS.qualityBar },
    dotColor: COLORS.muted,
    format: formatNats,
    bars: rows.flatMap(({ configuration, name, kl }): PanelBar[] =>
      kl === null ? [] : [{ configuration, name, slot: "one", word: "", statistics: toPanel(kl), dots: [] }],
    ),
    missing: rows
      .filter(({ kl }) => kl === null)
      .map(({ name, isReference }) => ({
        name,
        note: [isReference ? "the reference itself" : "–"],
        isExpected: isReference,
      })),
    reference: null,
    whisker: "95 % interval of the mean",
  };
}

function toPanel({ mean, ci95_low, ci95_high }: NonNullable<OverviewRow["kl"]>): PanelStatistics {
  return { value: mean, low: ci95_low, high: ci95_high };
}

/** The reference if there is exactly one: a line for one of several would be read as the reference of every model. */
function findOnlyReference<R extends OverviewRow>(rows: readonly R[]): R | undefined {
  const references = rows.filter(({ isReference }) => isReference);
  return references.length === 1 ? references[0] : undefined;
}

/** "Peak RSS" → "peak RSS" within a sentence. */
function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1);
}

/** Three significant digits, never an exponent. */
function significant(value: number): string {
  if (value >= 100) return value.toFixed(0);
  if (value >= 10) return value.toFixed(1);
  return value.toFixed(value >= 1 ? 2 : 3);
}
