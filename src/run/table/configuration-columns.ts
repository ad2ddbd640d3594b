/** Columns that are the same in every row of a configuration. */
import { canonicalJson } from "../../base/json.js";
import { loadMetrics, readLoadMetric } from "../../metrics/registry.js";
import { describeQuantization, METHOD_NAMES } from "../../quantization/registry.js";
import { findRunningProof, listLoadParts } from "../run-data.js";
import { always, column, metricColumn, type RowSource, type TableColumn } from "./column.js";

const findProof = ({ configuration }: RowSource) => findRunningProof(configuration);
const readWorker = ({ configuration }: RowSource) => configuration.plan.worker;

const LOAD_COLUMNS = loadMetrics.flatMap((metric) =>
  metric.column === undefined
    ? []
    : [
        metricColumn(metric.key, metric.column, ({ configuration }) =>
          readLoadMetric(metric, listLoadParts(configuration)),
        ),
      ],
);

const readGeneration = ({ configuration }: RowSource) => configuration.plan.generation;

const formatJson = (value: unknown) => (value === null ? null : canonicalJson(value));

/** Settings that a matrix may vary besides what is loaded. */
const GENERATION_COLUMNS: readonly TableColumn[] = [
  column.int64(
    "max_length",
    "maximum tokens of prompt and answer",
    (source) => readGeneration(source).max_length,
  ),
  column.int64("min_new_tokens", "minimum of an answer", (source) => readGeneration(source).min_new_tokens),
  column.double("temperature", "null for greedy decoding", (source) => readGeneration(source).temperature),
  column.int64("top_k", "null for greedy decoding", (source) => readGeneration(source).top_k),
  column.double("top_p", "null for greedy decoding", (source) => readGeneration(source).top_p),
  ...(["min_p", "typical_p", "epsilon_cutoff", "eta_cutoff"] as const).map((key) =>
    column.double(key, "null without", (source) => readGeneration(source)[key]),
  ),
  column.int64("num_beams", "null without beam search", (source) => readGeneration(source).num_beams),
  column.int64(
    "prompt_lookup_num_tokens",
    "maximum that prompt lookup copies at once; null without",
    (source) => readGeneration(source).prompt_lookup_num_tokens,
  ),
  column.int64(
    "prompt_tokens",
    "tokens of every prompt, cut or repeated; null if prompts are unchanged",
    (source) => readGeneration(source).prompt_tokens,
  ),
  column.string("stop", "texts that end an answer, as JSON; null without", (source) =>
    formatJson(readGeneration(source).stop),
  ),
  column.string(
    "eos_token_id",
    "token ids that end it instead of the model's, as JSON; null without",
    (source) => formatJson(readGeneration(source).eos_token_id),
  ),
  column.string("system", "the system message; null without", (source) => readGeneration(source).system),
  column.string("chat_template_kwargs", "variables of the template, as JSON; null without", (source) =>
    formatJson(readGeneration(source).chat_template_kwargs),
  ),
  column.string("assistant_model", "the model that drafts, as JSON; null without", (source) =>
    formatJson(readGeneration(source).assistant_model),
  ),
  column.int64(
    "num_assistant_tokens",
    "how many it drafts at a time; null without, or if its own files decide",
    (source) => readGeneration(source).num_assistant_tokens,
  ),
  column.string("cache", "as asked for, as JSON; null if the library decides", (source) =>
    formatJson(readGeneration(source).cache),
  ),
  column.int64(
    "depth",
    "tokens in the cache before a trial; null without",
    (source) => readGeneration(source).depth,
  ),
  column.string(
    "compile",
    "none or forward, as asked for; null if the library decides",
    (source) => readGeneration(source).compile,
  ),
  column.double("repetition_penalty", "null without", (source) => readGeneration(source).repetition_penalty),
  always(column.string("chat_template", "as asked for", (source) => readGeneration(source).chat_template)),
  always(
    column.string("truncate_prompts", "as asked for", (source) => readGeneration(source).truncate_prompts),
  ),
];

export const CONFIGURATION_COLUMNS: readonly TableColumn[] = [
  always(
    column.string("configuration_id", "the configuration, for programs", (source) => readWorker(source).id),
  ),
  always(column.string("configuration", "its label, for people", (source) => readWorker(source).label)),
  always(
    column.boolean(
      "is_reference",
      "whether the others are compared with it",
      ({ configuration }) => configuration.plan.is_reference,
    ),
  ),
  always(
    column.string(
      "configuration_status",
      "completed, failed, cancelled, skipped, interrupted (started but not ended) or not_run",
      ({ configuration }) => configuration.status,
    ),
  ),
  always(
    column.string(
      "quantization_requested",
      `${METHOD_NAMES.join(", ")}: as asked for`,
      (source) => readWorker(source).quantization.method,
    ),
  ),
  always(
    column.string(
      "quantization",
      "the same with its settings, as in labels: `nf4-double`",
      ({ configuration }) => describeQuantization(configuration.plan.worker.quantization),
    ),
  ),
  column.string(
    "quantization_effective",
    "read back from the live model",
    (source) => findProof(source)?.quantization_effective?.method,
  ),
  column.string(
    "quantization_type",
    "of its weights, such as nf4 or int8-dynamic, read back",
    (source) => findProof(source)?.quantization_effective?.type,
  ),
  column.boolean(
    "double_quant",
    "whether the 4-bit scales are quantized too, read back",
    (source) => findProof(source)?.quantization_effective?.double_quant,
  ),
  column.string(
    "compute_dtype",
    "of the quantized layers, read back",
    (source) => findProof(source)?.quantization_effective?.compute_dtype,
  ),
  column.string("dtype", "of what is not quantized, read back", (source) => findProof(source)?.dtype),
  always(column.string("device_requested", "as asked for", (source) => readWorker(source).device)),
  column.string(
    "attention",
    "the attention kernel, read back",
    (source) => findProof(source)?.attn_implementation,
  ),
  column.boolean("offloaded", "whether layers lie outside the GPU", (source) => findProof(source)?.offloaded),
  always(
    column.string(
      "sampling",
      "how the next token is chosen",
      ({ configuration }) => configuration.plan.generation.sampling,
    ),
  ),
  always(column.string("dtype_requested", "as asked for", (source) => readWorker(source).dtype)),
  always(column.string("attention_requested", "as asked for", (source) => readWorker(source).attention)),
  ...GENERATION_COLUMNS,
  column.int64(
    "max_new_tokens",
    "maximum tokens of an answer",
    ({ configuration }) => configuration.plan.generation.max_new_tokens,
  ),
  always(
    column.int64(
      "batch_size",
      "prompts that each generate answered together",
      ({ configuration }) => configuration.plan.batch_size,
    ),
  ),
  column.string(
    "identity_sha256",
    "hash of all effective inputs: equal means the same measurement",
    ({ configuration }) => configuration.load?.identity_sha256,
  ),
  ...LOAD_COLUMNS,
];
