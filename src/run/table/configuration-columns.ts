/** Columns that are the same in every row of a configuration. */
import { loadMetrics, readLoadMetric } from "../../metrics/registry.js";
import { METHOD_NAMES } from "../../quantization/registry.js";
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
      "completed, failed, cancelled, skipped, interrupted (it began and did not end) or not_run",
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
  column.string(
    "quantization_effective",
    "read back from the live model",
    (source) => findProof(source)?.quantization_effective?.method,
  ),
  column.string(
    "quantization_type",
    "fp4 or nf4, read back",
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
  column.int64(
    "max_new_tokens",
    "most tokens that an answer may have",
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
