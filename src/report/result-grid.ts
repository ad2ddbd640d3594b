/** The figures of a run, one row a configuration, drawn as wide as the terminal allows. */
import Table from "cli-table3";
import type pc from "picocolors";
import stringWidth from "string-width";
import { formatBytes, formatSeconds } from "../base/units.js";
import { safeLine } from "../base/untrusted-text.js";
import { wrapText } from "../base/wrap-text.js";
import { withoutWhatDoesNotFit } from "./fit-columns.js";
import { commonMemoryMetric, shortMemoryName } from "./memory-metric.js";
import { natsText } from "./quality-text.js";
import type { ConfigurationSummary, RunSummary } from "./summary.js";

type Colors = ReturnType<typeof pc.createColors>;

interface Column {
  readonly head: string;
  readonly cell: (configuration: ConfigurationSummary) => string;
  /** The highest goes first where the terminal is too narrow. */
  readonly droppable: number;
}

const NOTHING = "–";
/** Names are wrapped down to this width before a column is left out… */
const COMFORTABLE_NAME = 24;
/** …and below this one the figures stand under the names instead of beside them. */
const NARROWEST_NAME = 12;

/** No line is wider than `columns`. */
export function resultGrid(
  summary: RunSummary,
  style: { readonly columns: number; readonly color: boolean },
  colors: Colors,
): string {
  const { configurations } = summary;
  const figures = figureColumns(summary);
  const widthOf = ({ head, cell }: Column) =>
    Math.max(stringWidth(head), ...configurations.map((one) => stringWidth(cell(one))));
  const widestName = Math.max(1, ...configurations.map((one) => stringWidth(nameOf(one))));
  // Borders and padding take three columns a cell and one at the end.
  const nameRoom = (columns: readonly Column[]) =>
    style.columns - columns.reduce((sum, column) => sum + widthOf(column) + 3, 4);
  const shown = withoutWhatDoesNotFit(
    figures,
    (columns) => nameRoom(columns) >= Math.min(widestName, COMFORTABLE_NAME),
  );
  const room = Math.min(widestName, nameRoom(shown));
  if (room < Math.min(widestName, NARROWEST_NAME)) return stacked(summary, figures, style.columns, colors);
  const table = new Table({
    head: ["", ...shown.map(({ head }) => colors.bold(head))],
    colAligns: ["left", ...shown.map(() => "right" as const)],
    colWidths: [room + 2, ...shown.map((column) => widthOf(column) + 2)],
    style: { head: [], border: style.color ? ["gray"] : [], compact: true },
  });
  for (const configuration of configurations) {
    const name = breakName(nameOf(configuration), room).join("\n");
    table.push([name, ...shown.map(({ cell }) => cell(configuration))]);
  }
  return table.toString();
}

/** The name as it stands in the table: `*` for the reference, `✗` where something of it failed or is missing. */
function nameOf(configuration: ConfigurationSummary): string {
  const mark = configuration.status === "completed" && configuration.failure === null ? "" : " ✗";
  return `${safeLine(configuration.label)}${configuration.is_reference ? " *" : ""}${mark}`;
}

function figureColumns(summary: RunSummary): readonly Column[] {
  const metric = commonMemoryMetric(summary.configurations.map(({ memory_metric }) => memory_metric));
  const bytes = (value: number | null | undefined) => (value == null ? NOTHING : formatBytes(value));
  const seconds = (value: number | null | undefined) => (value == null ? NOTHING : formatSeconds(value));
  const ratio = (value: number | null | undefined) => (value == null ? NOTHING : `${value.toFixed(2)}×`);
  const rate = (value: number | undefined) => (value === undefined ? NOTHING : value.toFixed(1));
  return [
    { head: "weights", cell: (c) => bytes(c.weights_bytes), droppable: 0 },
    { head: shortMemoryName(metric), cell: (c) => bytes(c.peak_memory_bytes?.median), droppable: 0 },
    { head: "time", cell: (c) => seconds(c.elapsed_sec?.median), droppable: 0 },
    { head: "tokens/s", cell: (c) => rate(c.decode_tokens_per_sec?.median), droppable: 1 },
    { head: "TTFT", cell: (c) => seconds(c.ttft_sec?.median), droppable: 3 },
    { head: "load", cell: (c) => seconds(c.load_sec), droppable: 4 },
    { head: "× time", cell: (c) => ratio(c.against_reference?.time?.ratio), droppable: 2 },
    ...qualityColumns(summary),
    { head: "trials", cell: (c) => `${c.trials_completed}/${c.trials_planned}`, droppable: 5 },
  ];
}

/** Of the first text; every text is in the table of quality. */
function qualityColumns({ configurations }: RunSummary): readonly Column[] {
  if (!configurations.some(({ quality }) => quality.length > 0)) return [];
  const first = (configuration: ConfigurationSummary) => configuration.quality[0];
  return [
    {
      head: "KL",
      cell: (c) => {
        const kl = first(c)?.kl_divergence;
        return kl == null ? NOTHING : natsText(kl.mean);
      },
      droppable: 1,
    },
    {
      head: "top-1",
      cell: (c) => {
        const agreement = first(c)?.top1_agreement;
        return agreement == null ? NOTHING : `${(agreement.value * 100).toFixed(1)} %`;
      },
      droppable: 1,
    },
  ];
}

/** Every figure, none left out, under the name that it belongs to. */
function stacked(
  { configurations }: RunSummary,
  figures: readonly Column[],
  width: number,
  colors: Colors,
): string {
  return configurations
    .flatMap((configuration) => [
      ...wrapText(nameOf(configuration), width).map((line) => colors.bold(line)),
      ...packed(
        figures.map(({ head, cell }) => `${head} ${cell(configuration)}`),
        width - 2,
      ).map((line) => `  ${line}`),
    ])
    .join("\n");
}

/** As many figures a line as fit, none of them torn. */
function packed(figures: readonly string[], width: number): string[] {
  const lines: string[] = [];
  for (const figure of figures) {
    const longer = `${lines.at(-1) ?? ""} · ${figure}`;
    if (lines.length > 0 && stringWidth(longer) <= width) lines[lines.length - 1] = longer;
    else lines.push(figure);
  }
  return lines.flatMap((line) => wrapText(line, width));
}

/** Breaks a label where its parts meet, `a=1, |b=2`; within a part, `max_|new_tokens`, only where it has to. */
function breakName(name: string, width: number): string[] {
  return brokenAfter(name, /[^\s,]*[\s,]*/g, width)
    .flatMap((line) => (stringWidth(line) <= width ? [line] : brokenAfter(line, /[^_/=-]*[_/=-]*/g, width)))
    .flatMap((line) => wrapText(line, width));
}

function brokenAfter(text: string, parts: RegExp, width: number): string[] {
  const lines: string[] = [];
  for (const part of text.match(parts) ?? []) {
    const longer = (lines.at(-1) ?? "") + part;
    if (lines.length > 0 && stringWidth(longer.trimEnd()) <= width) lines[lines.length - 1] = longer;
    else lines.push(part);
  }
  return lines.map((line) => line.trimEnd()).filter((line) => line !== "");
}
