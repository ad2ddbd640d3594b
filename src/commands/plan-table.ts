import pc from "picocolors";
import { pluralize, safeLine, wrapText } from "../base/text.js";
import { describeCache } from "../plan/axis-text.js";
import type { Plan, PlanConfiguration } from "../plan/plan-types.js";
import type { ModelSource } from "../protocol/configuration.js";
import { describeQuantization } from "../quantization/registry.js";
import { fitTable, type TableColumn, type TableStyle } from "../render/terminal/fit-table.js";

const MOST_ROWS = 200;
const LONGEST_NAME = 40;

type Cell = (configuration: PlanConfiguration) => string;

/** Describes a configuration, column by column. */
const COLUMNS: Readonly<Record<string, Cell>> = {
  model: ({ worker }) => modelText(worker.model),
  quantization: ({ worker }) => describeQuantization(worker.quantization),
  dtype: ({ worker }) => worker.dtype,
  device: ({ worker }) => worker.device,
  attention: ({ worker }) => worker.attention,
  generation: ({ generation }) => generationText(generation),
  batch: ({ batch_size }) => String(batch_size),
};

/** The plan as text for people: what will be loaded, how it generates, how often. */
export function planTable(plan: Plan, style: TableStyle): string {
  const { header, configurations } = plan;
  const colors = pc.createColors(style.color);
  const prompts = new Set(plan.trials.map(({ prompt_index }) => prompt_index)).size;
  const factors = [
    pluralize(header.configurations, "configuration"),
    pluralize(prompts, "prompt"),
    header.auto_repeats === null
      ? pluralize(header.repeats, "repeat")
      : `${header.auto_repeats.fewest} to ${header.auto_repeats.most} repeats`,
    ...(header.rounds === 1 || header.rounds_share_trials ? [] : [pluralize(header.rounds, "round")]),
  ].join(" × ");
  const isSame = (cell: Cell) => new Set(configurations.map(cell)).size === 1;
  const common = Object.entries(COLUMNS).flatMap(([name, cell]) => {
    const [first] = configurations;
    return first !== undefined && isSame(cell) ? [`  ${name}: ${safeLine(cell(first))}`] : [];
  });
  const lines = [
    `${colors.bold(header.experiment)}: ${safeLine(header.model_name)}`,
    ...(header.model_note === null ? [] : [header.model_note]),
    `${factors} = ${header.auto_repeats === null ? "" : "at most "}${pluralize(header.trials, "trial")}, ${header.rounds_share_trials ? `in ${header.rounds} loads each (one if a load takes longer than the trials${header.further_rounds === 0 ? "" : `, up to ${header.rounds + header.further_rounds} if times vary much`}), ` : ""}after ${pluralize(header.warmup, "warm-up")} each`,
    ...describePostTrialMeasurements(plan),
    ...(configurations.length > 1 && common.length > 0 ? ["The same for all:", ...common] : []),
    ...(configurations.length === 1 ? common : []),
  ].flatMap((line) => wrapText(line, style.columns));
  if (configurations.some(({ worker }) => worker.trust_remote_code)) {
    lines.push(colors.red("trust_remote_code is on: Python code that comes with the model will run."));
  }
  // A single configuration needs no table to tell it from others: the lines above describe it in full.
  if (configurations.length === 1) return lines.join("\n");
  const shown = configurations.slice(0, MOST_ROWS);
  const columns = Object.entries(COLUMNS).filter(([, cell]) => !isSame(cell));
  const longest = Math.max(...shown.map((one) => safeLine(markReference(one)).length));
  const drawn = [["configuration", markReference] as const, ...columns].map(
    ([header, cell]): TableColumn<PlanConfiguration> => ({
      header,
      cell: (configuration) => safeLine(cell(configuration)),
      dropRank: 0,
      align: "left",
      // Not narrower, because what distinguishes configurations is at the end of their names.
      narrowest: header === "configuration" ? Math.min(LONGEST_NAME, longest) : 4,
    }),
  );
  lines.push(fitTable(shown, drawn, style).text);
  if (shown.length < configurations.length) lines.push(`… and ${configurations.length - shown.length} more`);
  return lines.join("\n");
}

/** What is measured besides the trials. */
function describePostTrialMeasurements({ header, blocks }: Plan): string[] {
  const { quality } = header;
  const texts = (quality?.texts ?? []).map(({ id }) => id);
  const parts = [
    ...(texts.length === 0 ? [] : [`quality on ${texts.join(", ")}`]),
    ...(quality?.lm_eval ? [`lm-eval ${quality.lm_eval.tasks.join(", ")}`] : []),
    ...(header.profile ? ["a profile"] : []),
    ...(blocks.some(({ role }) => role === "sentinel") ? ["a sentinel at start, middle and end"] : []),
  ];
  return parts.length === 0 ? [] : [safeLine(`also: ${parts.join("; ")}`)];
}

function markReference({ worker, is_reference }: PlanConfiguration): string {
  return is_reference ? `${worker.label} (reference)` : worker.label;
}

function generationText(generation: PlanConfiguration["generation"]): string {
  const { max_new_tokens, max_length, min_new_tokens, sampling, seed, temperature, prompt_tokens } =
    generation;
  const length = max_new_tokens === null ? `max_length ${max_length}` : `${max_new_tokens} new tokens`;
  const least = min_new_tokens === null ? "" : ` (at least ${min_new_tokens})`;
  const how = sampling === "greedy" ? "greedy" : `sampled, seed ${seed}, temperature ${temperature}`;
  const prompt = prompt_tokens === undefined ? "" : `prompts of ${prompt_tokens} tokens, `;
  const { cache, depth, compile } = generation;
  const more = [
    depth === null ? "" : `behind ${depth} tokens`,
    describeCache(cache),
    compile === "forward" ? "compiled" : "",
  ].filter((text) => text !== "");
  return [`${prompt}${length}${least}`, how, ...more].join(", ");
}

function modelText(model: ModelSource): string {
  switch (model.source) {
    case "builtin":
      return `${model.name} (embedded)`;
    case "hub":
      return `${model.repo}, revision ${model.revision ?? "main"} (hub)`;
    case "path":
      return model.path;
    case "adapted":
      return `${modelText(model.base)} with the adapter ${typeof model.adapter === "string" ? model.adapter : modelText(model.adapter)}${model.merged ? ", merged" : ""}`;
    case "random":
      return `${String(model.config.model_type)}, weights drawn from seed ${model.seed}`;
  }
}
