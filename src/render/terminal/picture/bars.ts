/** The overview as bars of characters: weights, peak memory, time and speed, each with one line per configuration. */

import cliTruncate from "cli-truncate";
import pc from "picocolors";
import stringWidth from "string-width";
import { haveBatches } from "../../../analysis/batches.js";
import { formatBytes, formatSeconds } from "../../../base/units.js";
import { commonMemoryMetric, memoryName } from "../../../metrics/memory.js";
import type { ConfigurationSummary, RunSummary } from "../../../run/summary-schema.js";
import { shortName } from "../../words/names.js";

export interface BarStyle {
  readonly columns: number;
  readonly color: boolean;
  /** Whether bars consist of blocks, in eighths of a block; otherwise only of ASCII characters. */
  readonly blocks: boolean;
}

type Colors = ReturnType<typeof pc.createColors>;

interface Panel {
  readonly title: string;
  readonly better: "lower" | "higher";
  readonly readValue: (configuration: ConfigurationSummary) => number | null;
  readonly format: (value: number) => string;
  readonly paint: (colors: Colors) => (text: string) => string;
}

const EIGHTHS = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"] as const;
const INDENT = 2;
const GAP = 2;
const WIDEST_BAR = 60;
const NARROWEST_BAR = 4;
/** More configurations would fill pages with bars; the table has one line for each. */
const MOST_CONFIGURATIONS = 12;
/** A name takes up at most this share of a line, because the bars are what people look at. */
const NAME_SHARE = 0.4;

/**
 * Draws medians over trials. A panel without any value is left out; empty if all are, or if there are too many
 * configurations. No line is wider than the terminal.
 */
export function overviewBars(summary: RunSummary, style: BarStyle): string {
  if (summary.configurations.length > MOST_CONFIGURATIONS) return "";
  const colors = pc.createColors(style.color);
  return buildPanels(summary)
    .filter(({ readValue }) => summary.configurations.some((one) => readValue(one) !== null))
    .map((panel) => panelLines(panel, summary.configurations, style, colors).join("\n"))
    .join("\n");
}

function buildPanels({ configurations }: RunSummary): readonly Panel[] {
  const metric = commonMemoryMetric(configurations.map(({ memory_metric }) => memory_metric));
  return [
    {
      title: "weights",
      better: "lower",
      readValue: (one) => one.weights_bytes,
      format: formatBytes,
      paint: (colors) => colors.red,
    },
    {
      title: memoryName(metric),
      better: "lower",
      readValue: (one) => one.peak_memory_bytes?.median ?? null,
      format: formatBytes,
      paint: (colors) => colors.magenta,
    },
    {
      title: "time per trial",
      better: "lower",
      readValue: (one) => one.elapsed_sec?.median ?? null,
      format: formatSeconds,
      paint: (colors) => colors.blue,
    },
    {
      title: haveBatches({ configurations }) ? "tokens/s, all rows" : "tokens/s",
      better: "higher",
      readValue: (one) => (one.batch_tokens_per_sec ?? one.decode_tokens_per_sec)?.median ?? null,
      format: (value) => value.toFixed(1),
      paint: (colors) => colors.green,
    },
  ];
}

function panelLines(
  { title, better, readValue, format, paint }: Panel,
  configurations: readonly ConfigurationSummary[],
  style: BarStyle,
  colors: Colors,
): string[] {
  const nothing = style.blocks ? "–" : "-";
  const rows = configurations.map((one) => {
    const value = readValue(one);
    const name = `${shortName(one)}${one.is_reference ? " *" : ""}`;
    return { name, value, text: value === null ? nothing : format(value) };
  });
  const names = Math.min(
    Math.max(...rows.map(({ name }) => stringWidth(name))),
    Math.max(4, Math.floor(style.columns * NAME_SHARE)),
  );
  const texts = Math.max(...rows.map(({ text }) => text.length));
  const room = Math.min(WIDEST_BAR, style.columns - INDENT - names - texts - 2 * GAP);
  const most = Math.max(...rows.map(({ value }) => value ?? 0));
  const lines = rows.map(({ name, value, text }) => {
    const short = cliTruncate(name, names, {
      position: "middle",
      ...(style.blocks ? {} : { truncationCharacter: "~" }),
    });
    const label = " ".repeat(INDENT) + short + " ".repeat(Math.max(0, names - stringWidth(short)));
    if (room < NARROWEST_BAR) return `${label} ${text}`;
    const bar = drawBar(value === null || most === 0 ? 0 : value / most, room, style.blocks);
    return `${label}${" ".repeat(GAP)}${paint(colors)(bar)}${" ".repeat(bar === "" ? 0 : GAP)}${text}`;
  });
  return [colors.bold(title) + colors.dim(`, ${better} is better`), ...lines].map((line) =>
    cliTruncate(line, style.columns),
  );
}

/** Every value above 0 gets at least a sliver. */
function drawBar(share: number, room: number, blocks: boolean): string {
  if (share <= 0) return "";
  if (!blocks) return "#".repeat(Math.max(1, Math.round(share * room)));
  const eighths = Math.max(1, Math.round(share * room * 8));
  return "█".repeat(Math.floor(eighths / 8)) + (EIGHTHS[eighths % 8] ?? "");
}
