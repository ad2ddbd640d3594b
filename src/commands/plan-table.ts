import Table from "cli-table3";
import cliTruncate from "cli-truncate";
import pc from "picocolors";
import { safeLine } from "../base/untrusted-text.js";
import { wrapText } from "../base/wrap-text.js";
import { quantizationText } from "../plan/axis-text.js";
import type { Plan, PlanConfiguration } from "../plan/plan-types.js";
import type { ModelSource } from "../protocol/configuration.js";

export interface TableStyle {
  readonly columns: number;
  readonly color: boolean;
}

const MOST_ROWS = 200;
const COLUMN_COUNT = 6;

/** The plan as a person reads it: what will be loaded, how it generates, how often. */
export function planTable(plan: Plan, style: TableStyle): string {
  const { header, configurations } = plan;
  const colors = pc.createColors(style.color);
  const first = configurations[0];
  const prompts = new Set(plan.trials.map(({ prompt_index }) => prompt_index)).size;
  const counts = [
    `${header.configurations} configurations × ${prompts} prompts × ${header.repeats} repeats`,
    `= ${header.trials} trials, each configuration after ${header.warmup} warm-ups`,
  ].join(" ");
  const lines = [
    `${colors.bold(header.experiment)}: ${safeLine(header.model_name)}`,
    ...(header.model_note === null ? [] : [header.model_note]),
    ...distinct(configurations.map(({ worker }) => modelText(worker.model))),
    counts,
  ].flatMap((line) => wrapText(line, style.columns));
  if (first?.worker.trust_remote_code) {
    lines.push(colors.red("trust_remote_code is on: Python code that comes with the model will run."));
  }
  const shown = configurations.slice(0, MOST_ROWS);
  lines.push(table(shown, style, colors));
  if (shown.length < configurations.length) lines.push(`… and ${configurations.length - shown.length} more`);
  return lines.join("\n");
}

function table(
  configurations: readonly PlanConfiguration[],
  style: TableStyle,
  colors: ReturnType<typeof pc.createColors>,
): string {
  const heads = ["configuration", "quantization", "dtype", "device", "attention", "generation"];
  const rows = configurations.map(({ worker, generation, is_reference }) => [
    is_reference ? `${worker.label} (reference)` : worker.label,
    quantizationText(worker.quantization),
    worker.dtype,
    worker.device,
    worker.attention,
    generationText(generation),
  ]);
  // Borders and padding take three columns a cell and one at the end.
  const room = Math.max(COLUMN_COUNT * 4, style.columns - COLUMN_COUNT * 3 - 1);
  const widths = share(
    heads.map((head, index) => Math.max(head.length, ...rows.map((row) => (row[index] ?? "").length))),
    room,
  );
  const cut = (row: readonly string[]) =>
    row.map((cell, index) => cliTruncate(safeLine(cell), widths[index] ?? 1));
  const drawn = new Table({
    head: cut(heads).map((head) => colors.bold(head)),
    style: { head: [], border: style.color ? ["gray"] : [] },
  });
  drawn.push(...rows.map(cut));
  return drawn.toString();
}

/** Narrows the widest columns until all fit. */
function share(wanted: readonly number[], room: number): number[] {
  const widths = [...wanted];
  while (widths.reduce((sum, width) => sum + width, 0) > room) {
    const widest = widths.indexOf(Math.max(...widths));
    widths[widest] = (widths[widest] ?? 1) - 1;
  }
  return widths;
}

function generationText(generation: PlanConfiguration["generation"]): string {
  const { max_new_tokens, max_length, min_new_tokens, sampling, seed, temperature } = generation;
  const length = max_new_tokens === null ? `max_length ${max_length}` : `${max_new_tokens} new tokens`;
  const least = min_new_tokens === null ? "" : ` (at least ${min_new_tokens})`;
  const how = sampling === "greedy" ? "greedy" : `sampled, seed ${seed}, temperature ${temperature}`;
  return `${length}${least}, ${how}`;
}

function modelText(model: ModelSource): string {
  switch (model.source) {
    case "builtin":
      return `model: ${model.name} (embedded)`;
    case "hub":
      return `model: ${safeLine(model.repo)}, revision ${safeLine(model.revision ?? "main")} (hub)`;
    case "path":
      return `model: ${safeLine(model.path)}`;
    case "random":
      return `model: weights drawn from seed ${model.seed}`;
  }
}

function distinct(texts: readonly string[]): readonly string[] {
  return [...new Set(texts)];
}
