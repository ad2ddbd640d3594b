import Table from "cli-table3";
import pc from "picocolors";
import stringWidth from "string-width";
import { formatBytes, formatSeconds } from "../base/units.js";
import { safeLine } from "../base/untrusted-text.js";
import { wrapText } from "../base/wrap-text.js";
import { commonMemoryMetric, shortMemoryName } from "./memory-metric.js";
import type { ConfigurationSummary, RunSummary } from "./summary.js";

export interface TableStyle {
  readonly columns: number;
  readonly color: boolean;
}

type Colors = ReturnType<typeof pc.createColors>;
type Cell = (configuration: ConfigurationSummary) => string;

interface Column {
  readonly head: string;
  readonly cell: Cell;
  /** The highest goes first where the terminal is too narrow. */
  readonly droppable: number;
}

const NOTHING = "–";

/** One row a configuration; failures beneath, each with its next step. No line is wider than the terminal. */
export function resultTable(summary: RunSummary, style: TableStyle): string {
  const colors = pc.createColors(style.color);
  const lines = [
    `${colors.bold(safeLine(summary.experiment))}: ${safeLine(summary.model_name)}`,
    drawn(summary, style, colors),
    ...verdicts(summary, style, colors),
    ...remarks(summary, style, colors),
    ...wrapText(notes(summary), style.columns).map((line) => colors.dim(line)),
    ...failures(summary, style, colors),
  ];
  return lines.join("\n");
}

function columnsOf(summary: RunSummary): readonly Column[] {
  const metric = commonMemoryMetric(summary.configurations.map(({ memory_metric }) => memory_metric));
  const bytes = (value: number | null | undefined) => (value == null ? NOTHING : formatBytes(value));
  const seconds = (value: number | null | undefined) => (value == null ? NOTHING : formatSeconds(value));
  const ratio = (value: number | null | undefined) => (value == null ? NOTHING : `${value.toFixed(2)}×`);
  const rate = (value: number | undefined) => (value === undefined ? NOTHING : value.toFixed(1));
  return [
    { head: "", cell: nameOf, droppable: 0 },
    { head: "weights", cell: (c) => bytes(c.weights_bytes), droppable: 0 },
    { head: shortMemoryName(metric), cell: (c) => bytes(c.peak_memory_bytes?.median), droppable: 0 },
    { head: "time", cell: (c) => seconds(c.elapsed_sec?.median), droppable: 0 },
    { head: "tokens/s", cell: (c) => rate(c.decode_tokens_per_sec?.median), droppable: 1 },
    { head: "TTFT", cell: (c) => seconds(c.ttft_sec?.median), droppable: 3 },
    { head: "load", cell: (c) => seconds(c.load_sec), droppable: 4 },
    { head: "× time", cell: (c) => ratio(c.against_reference?.time?.ratio), droppable: 2 },
    { head: "trials", cell: (c) => `${c.trials_completed}/${c.trials_planned}`, droppable: 5 },
  ];
}

function nameOf(configuration: ConfigurationSummary): string {
  const mark = configuration.status === "completed" && configuration.failure === null ? "" : " ✗";
  return `${safeLine(configuration.label)}${configuration.is_reference ? " *" : ""}${mark}`;
}

/** Leaves columns out, then cuts names, until the table fits. */
function drawn(summary: RunSummary, style: TableStyle, colors: Colors): string {
  let columns = columnsOf(summary);
  const widthOf = ({ head, cell }: Column) =>
    Math.max(stringWidth(head), ...summary.configurations.map((one) => stringWidth(cell(one))));
  // Borders and padding take three columns a cell and one at the end.
  const total = () => columns.reduce((sum, column) => sum + widthOf(column) + 3, 1);
  while (total() > style.columns && columns.some(({ droppable }) => droppable > 0)) {
    const next = Math.max(...columns.map(({ droppable }) => droppable));
    columns = columns.filter(({ droppable }) => droppable !== next);
  }
  const excess = Math.max(0, total() - style.columns);
  const [first] = columns;
  const nameRoom = first === undefined ? 0 : Math.max(6, widthOf(first) - excess);
  const table = new Table({
    head: columns.map(({ head }) => colors.bold(head)),
    colAligns: columns.map((_, index) => (index === 0 ? "left" : "right")),
    colWidths: columns.map((column, index) => (index === 0 ? nameRoom : widthOf(column)) + 2),
    style: { head: [], border: style.color ? ["gray"] : [], compact: true },
    wordWrap: true,
    wrapOnWordBoundary: false,
  });
  for (const configuration of summary.configurations) {
    table.push(columns.map(({ cell }) => cell(configuration)));
  }
  return table.toString();
}

/** What each configuration costs and saves against the reference, in a sentence. */
function verdicts(summary: RunSummary, style: TableStyle, colors: Colors): string[] {
  return summary.configurations.flatMap(({ label, against_reference: comparison }) => {
    if (comparison === null) return [];
    const [first = "", ...rest] = wrapText(`${safeLine(label)}: ${comparison.sentence}`, style.columns - 2);
    const name = first.slice(0, safeLine(label).length);
    return [`${colors.bold(name)}${first.slice(name.length)}`, ...rest.map((line) => `  ${line}`)];
  });
}

function remarks(summary: RunSummary, style: TableStyle, colors: Colors): string[] {
  return summary.configurations.flatMap(({ label, remarks: own }) =>
    own.flatMap((remark) => wrapText(`${safeLine(label)}: ${remark}`, style.columns).map(colors.yellow)),
  );
}

/** What a reader must know to read the table right. */
function notes(summary: RunSummary): string {
  const metrics = summary.configurations.map(({ memory_metric }) => memory_metric);
  const isRss = metrics.includes("peak_rss_bytes");
  const parts = ["Medians over trials; * is the reference; × time is against it; [95 % interval]."];
  if (isRss)
    parts.push("Peak RSS is the whole process with its libraries; weights are the model's own tensors.");
  if (summary.model_note !== null) parts.push(safeLine(summary.model_note));
  if (summary.configurations.some(({ offloaded }) => offloaded === true)) {
    parts.push("Some layers were offloaded from the GPU: their times say little about the quantization.");
  }
  return parts.join(" ");
}

function failures(summary: RunSummary, style: TableStyle, colors: Colors): string[] {
  return summary.configurations.flatMap(({ label, failure, status, trials_completed, trials_planned }) => {
    const done = `${trials_completed} of ${trials_planned} trials completed`;
    if (failure === null) {
      return status === "completed"
        ? []
        : ["", `${safeLine(label)}: ${status.replaceAll("_", " ")}, ${done}`];
    }
    const indent = (text: string) => wrapText(text, style.columns - 2).map((line) => `  ${line}`);
    return [
      "",
      ...wrapText(`${safeLine(label)} failed: ${safeLine(failure.code)} (${done})`, style.columns).map(
        (line) => colors.red(line),
      ),
      ...indent(safeLine(failure.message).slice(0, 600)),
      ...indent(`next: ${safeLine(failure.next)}`),
    ];
  });
}
