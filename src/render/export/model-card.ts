/**
 * Runs → a model card's README: the `model-index` that the hub reads
 * (https://github.com/huggingface/hub-docs/blob/main/modelcard.md), then the table and verdicts as Markdown.
 */
import { stringify } from "yaml";
import { HISTORY_METRICS } from "../../analysis/history/metrics.js";
import { markdownInline, safeLine } from "../../base/text.js";
import { readTextValue, textMetrics } from "../../metrics/registry.js";
import { describeGpus } from "../../run/machine-text.js";
import type { RunData } from "../../run/run-data.js";
import type { ConfigurationSummary, RunSummary } from "../../run/summary-schema.js";
import { runMarkdown } from "../markdown/markdown.js";
import { writeSummary } from "../words/summary.js";
import type { Exporter } from "./document.js";

interface Metric {
  readonly type: string;
  readonly value: number;
  readonly name: string;
  readonly args: Readonly<Record<string, string | number>>;
}

interface Result {
  readonly task: { readonly type: string; readonly name: string };
  readonly dataset: { readonly type: string; readonly name: string };
  readonly metrics: Metric[];
}

const TASK = { type: "text-generation", name: "Text Generation" } as const;

export function modelCard(): Exporter {
  const parts: string[] = [];
  const models = new Map<string, Map<string, Result>>();
  return {
    add: (data) => {
      const summary = writeSummary(data);
      for (const configuration of summary.configurations) addResults(models, summary, configuration);
      parts.push([runMarkdown(summary).trimEnd(), describeMachine(data)].join("\n\n"));
    },
    content: () => {
      const index = [...models].map(([name, results]) => ({ name, results: [...results.values()] }));
      const metadata = {
        pipeline_tag: TASK.type,
        ...(index.length === 0 ? {} : { "model-index": index }),
      };
      // The hub reads YAML 1.1, so strings that YAML 1.1 would not read as text are quoted.
      const yaml = stringify(metadata, { version: "1.1", aliasDuplicateObjects: false, lineWidth: 0 });
      return `---\n${yaml}---\n\n## Memory, speed and quality, measured\n\n${parts.join("\n\n")}\n`;
    },
  };
}

/**
 * Adds a configuration's values to its model, grouped by what they were measured on. One model has several configurations, so the
 * metric's name and arguments say which configuration a value belongs to.
 */
function addResults(
  models: Map<string, Map<string, Result>>,
  { experiment, model_name, run_id }: RunSummary,
  configuration: ConfigurationSummary,
): void {
  const model = safeLine(configuration.axes.model ?? model_name);
  const label = safeLine(configuration.label);
  const of = { configuration: label, run: run_id };
  const add = (dataset: Result["dataset"], metrics: readonly Metric[]) => {
    if (metrics.length === 0) return;
    const results = models.get(model) ?? new Map<string, Result>();
    models.set(model, results);
    const result = results.get(dataset.type) ?? { task: TASK, dataset, metrics: [] };
    results.set(dataset.type, result);
    result.metrics.push(...metrics);
  };
  const prompts = safeLine(experiment);
  add(
    { type: prompts, name: `prompts of the experiment ${prompts}` },
    HISTORY_METRICS.flatMap((metric) => {
      const read = metric.isOfText ? null : metric.readValue(configuration, null);
      if (read === null || read.isDisturbed) return [];
      const title = metric.describeKind(configuration) || metric.title;
      return [buildMetric(metric.key, read.value, title, label, { ...of, unit: metric.unit })];
    }),
  );
  for (const text of configuration.quality) {
    const id = safeLine(text.text_id);
    add(
      { type: id, name: `text ${id}` },
      textMetrics.flatMap((metric) => {
        const read = readTextValue(metric, text);
        if (read === null || metric.shown === undefined) return [];
        const interval =
          read.low === null || read.high === null
            ? {}
            : { ci95_low: round(read.low), ci95_high: round(read.high) };
        const context = text.context === null ? {} : { context_tokens: text.context };
        const args = { ...of, ...context, ...interval };
        return [buildMetric(metric.key, read.value, metric.shown.title, label, args)];
      }),
    );
  }
  for (const { task, metric, filter, value, stderr, num_fewshot, samples } of configuration.lm_eval) {
    const args = {
      ...of,
      filter: safeLine(filter),
      samples,
      ...(num_fewshot === null ? {} : { num_fewshot }),
      ...(stderr === null ? {} : { stderr: round(stderr) }),
    };
    const name = safeLine(metric);
    add({ type: safeLine(task), name: safeLine(task) }, [buildMetric(name, value, name, label, args)]);
  }
}

function buildMetric(
  type: string,
  value: number,
  title: string,
  label: string,
  args: Metric["args"],
): Metric {
  return { type, value: round(value), name: `${title}, ${label}`, args };
}

/** Rounds to six significant digits; counts, which are whole numbers, stay exact. */
function round(value: number): number {
  return Number.isInteger(value) ? value : Number(value.toPrecision(6));
}

const LIBRARIES = ["torch", "transformers", "bitsandbytes"];

/** Names the machine and its libraries, because a figure says little without them. */
function describeMachine({ environment }: RunData): string {
  if (environment === null) return "The machine is not recorded.";
  const { gpus, cpu_model, packages } = environment;
  const machine = gpus.length > 0 ? describeGpus(gpus) : (cpu_model ?? "an unknown CPU");
  const versions = LIBRARIES.flatMap((name) =>
    packages[name] === undefined ? [] : [`${name} ${packages[name]}`],
  );
  return `Measured on ${markdownInline([machine, ...versions].join(", "))}.`;
}
