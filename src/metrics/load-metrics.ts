/** Every metric of a configuration's load, in the order of the flat table's columns. */
import type { LoadMetric } from "./metric.js";

export const LOAD_METRICS = [
  {
    key: "load_sec",
    unit: "seconds",
    better: "lower",
    docs: null,
    read: ({ load_sec }) => load_sec,
    column: { type: "double", description: "time to load the model" },
  },
  {
    key: "load_peak_allocated_bytes",
    unit: "bytes",
    better: "lower",
    docs: null,
    read: ({ load_peak_allocated_bytes }) => load_peak_allocated_bytes,
    column: { type: "int64", description: "most GPU memory allocated while loading" },
  },
  {
    key: "load_peak_rss_bytes",
    unit: "bytes",
    better: "lower",
    docs: null,
    read: ({ load_peak_rss_bytes }) => load_peak_rss_bytes,
    column: { type: "int64", description: "peak RSS while loading" },
  },
  {
    key: "weights_bytes",
    unit: "bytes",
    better: "lower",
    docs: null,
    read: ({ proof }) => proof.weights_bytes,
    column: { type: "int64", description: "parameters, buffers and quantization state" },
  },
  {
    key: "parameters",
    unit: null,
    better: null,
    docs: null,
    read: ({ proof }) => proof.parameters,
    column: { type: "int64", description: "count" },
  },
  {
    key: "linear_layers",
    unit: null,
    better: null,
    docs: null,
    read: ({ proof }) => proof.linear_layers,
    column: { type: "int64", description: "count" },
  },
  {
    key: "quantized_linear_layers",
    unit: null,
    better: null,
    docs: null,
    read: ({ proof }) => proof.quantized_linear_layers,
    column: { type: "int64", description: "count, read back from the live model" },
  },
] as const satisfies readonly LoadMetric[];
