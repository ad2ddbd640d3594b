/** What the worker measures (docs/metrics.md). A value that does not exist is null, never 0 or NaN. */
import { z } from "zod";
import { METHOD_NAMES } from "../quantization/registry.js";
import { bytes, nonNegativeInt, positiveInt, seconds } from "./common.js";
import { machineSchema } from "./machine.js";

/** Read back from the live model, never taken from what was asked for. */
export const quantizationEffectiveSchema = z.strictObject({
  /** `other`: below 16 bits, but by no method known here; `unknown`: stored in a way that cannot be opened. */
  method: z.enum([...METHOD_NAMES, "mixed", "other", "unknown"]),
  /** `fp4`, `nf4`, `int8`, or the dtype of what is stored; null when nothing is quantized. */
  type: z.string().nullable(),
  block_size: positiveInt.nullable(),
  double_quant: z.boolean().nullable(),
  compute_dtype: z.string().nullable(),
  int8_threshold: z.number().nullable(),
});

/** Weights of one kind of module, counted by storage. */
export const censusKindSchema = z.strictObject({
  kind: z.enum(["embeddings", "head", "norms", "experts", "router", "attention", "mlp", "other", "adapter"]),
  /** Everything that these modules store, including vectors and buffers. */
  bytes,
  /** The number of weights in their matrices (two dimensions or more), before any packing. */
  matrix_weights: nonNegativeInt,
  /** Bytes of these matrices, including their quantization state. */
  matrix_bytes: bytes,
  /** How many of `matrix_weights` are stored in fewer than 16 bits. */
  quantized_weights: nonNegativeInt,
  /** Dtype of most of the other matrix weights; null if there are none. */
  unquantized_dtype: z.string().nullable(),
});
export type CensusKind = z.infer<typeof censusKindSchema>;

/** Every stored tensor of the live model, each storage once. */
export const censusSchema = z.strictObject({
  kinds: z.array(censusKindSchema),
  /** Tensors that cannot be opened, or whose number of weights is not known; at most five names. */
  unknown: z.strictObject({ count: nonNegativeInt, names: z.array(z.string()) }),
});

/** An adapter on the live model, separate from the model's weights. */
export const adapterProofSchema = z.strictObject({
  /** As peft calls it, e.g. `LORA`. */
  type: z.string(),
  /** The number of the model's modules that it changes. */
  modules: nonNegativeInt,
  parameters: nonNegativeInt,
  bytes,
  dtype: z.string(),
  /** Whether each of its layers adds its product to that of the layer beneath it. */
  active: z.boolean(),
});

/** A second model that drafts tokens. */
export const assistantProofSchema = z.strictObject({
  model_class: z.string(),
  parameters: nonNegativeInt,
  weights_bytes: bytes,
  dtype: z.string(),
  /** Fingerprint of its weight files; null if the weights were drawn. */
  weights_sha256: z.string().nullable(),
});

/** The proof of what ran. */
export const proofSchema = z.strictObject({
  model_class: z.string(),
  parameters: nonNegativeInt,
  /** The number of nn.Linear modules and their quantized counterparts, including the output head. */
  linear_layers: nonNegativeInt,
  quantized_linear_layers: nonNegativeInt,
  /** Linear modules that were to stay unquantized (output head, skip_modules). */
  skipped_linear_modules: z.array(z.string()),
  /** Count of linear modules by Python class, e.g. {"Linear4bit": 210, "Linear": 1}. */
  linear_classes: z.record(z.string(), nonNegativeInt),
  quantization_effective: quantizationEffectiveSchema,
  /** All parameters, buffers and quantization state, each storage counted once. */
  weights_bytes: bytes,
  /**
   * Share of the weights in matrices (without embeddings and output head) stored below 16 bits; null if it cannot be determined.
   */
  matrix_weights_quantized_share: z.number().min(0).max(1).nullable().default(null),
  /** 8 × bytes of the same matrices with their quantization state ÷ their weights. */
  mean_bits_per_weight: z.number().min(0).nullable().default(null),
  census: censusSchema.nullable().default(null),
  /** Bytes that each decoded token has to read: all weights except embedding tables that are not also the output head. */
  read_per_token_bytes: bytes,
  /** `get_memory_footprint()`, for comparison: it leaves the quantization state out. */
  memory_footprint_bytes: bytes,
  bytes_by_dtype: z.record(z.string(), bytes),
  dtype: z.string(),
  /** Module → device; {"": "cpu"} for one device. */
  device_map: z.record(z.string(), z.string()),
  offloaded: z.boolean(),
  attn_implementation: z.string(),
  /** Python class of the cache that `generate` made, `none` if it made none; null before the first `generate`. */
  cache_implementation: z.string().nullable(),
  /**
   * The cache's layers by Python class, e.g. {"QuantoQuantizedLayer": 30}; null if it has none, and before the first `generate`.
   */
  cache_layers: z.record(z.string(), nonNegativeInt).nullable().default(null),
  /** The most that the cache's tensors took at the end of a `generate`, as they are stored. */
  cache_bytes: bytes.nullable().default(null),
  /** Whether `generate` compiled the forward pass; null before the first one has ended. */
  compiled: z.boolean().nullable(),
  /** How often torch compiled something in all calls of `generate`, and how long that took; null if nothing could be compiled. */
  compilations: nonNegativeInt.nullable().default(null),
  compile_sec: seconds.nullable().default(null),
  chat_template: z.boolean(),
  /** Names of the cures that were applied while loading. */
  workarounds_applied: z.array(z.string()),
  /** Null if there is no adapter beside the weights; a merged one is part of them. */
  adapter: adapterProofSchema.nullable().default(null),
  /** Known in `proof_after`; null without an assistant. */
  assistant: assistantProofSchema.nullable().default(null),
});
export type Proof = z.infer<typeof proofSchema>;

/** What a model's cache holds, found by a forward pass with shapes only, without numbers. */
export const cacheShapeSchema = z.strictObject({
  /** Elements per token in the layers that keep every token. */
  elements_per_token: nonNegativeInt,
  /** Layers that keep only the newest tokens. */
  windows: z.array(z.strictObject({ tokens: nonNegativeInt, elements_per_token: nonNegativeInt })),
  /** Recurrent states: elements in the model's dtype, and bytes of what is kept in another dtype, whatever the model's is. */
  fixed_elements: nonNegativeInt,
  fixed_bytes: bytes,
});

/** What an estimate of a model's memory is based on: its config alone, from which the model is built without weights. */
export const modelShapeSchema = z.strictObject({
  model_type: z.string(),
  /** As stored with the model. */
  dtype: z.string(),
  parameters: nonNegativeInt,
  /** Linear layers that quantization would replace, by size. */
  quantizable_layers: z.array(
    z.strictObject({ in_features: positiveInt, out_features: positiveInt, count: positiveInt }),
  ),
  /** The number of weights in matrices by kind of module, and how many of them quantization would reach. */
  matrix_kinds: z
    .array(
      censusKindSchema
        .pick({ kind: true, matrix_weights: true })
        .extend({ quantizable_weights: nonNegativeInt }),
    )
    .nullable()
    .default(null),
  /** How the model's files are already quantized; null if they are not. */
  stored_quantization: z.string().nullable().default(null),
  /** Types of the weights in the GGUF file that the model is expanded from; null if it does not come from one. */
  expanded_from: z.array(z.string()).nullable().default(null),
  /**
   * The number of all other parameters: embeddings, output head (tied ones once), norms, biases; an adapter's; buffers in the
   * model's dtype.
   */
  other_parameters: nonNegativeInt,
  /** Bytes of buffers that have another dtype, whatever the model's is. */
  buffer_bytes: bytes,
  /** Elements of one token's keys and values in all layers, as long as no window is full. */
  kv_elements_per_token: nonNegativeInt,
  /** Null if the model's code cannot show this without numbers. */
  cache: cacheShapeSchema.nullable().default(null),
  layers: positiveInt,
  hidden_size: positiveInt,
  intermediate_size: positiveInt,
  vocabulary: positiveInt,
  context_tokens: positiveInt.nullable(),
});
export type ModelShape = z.infer<typeof modelShapeSchema>;

/** One accelerator card: the framework's index for it, and what identifies it in the driver's list. */
export const cardSchema = z.strictObject({
  /** `cuda` (ROCm too), `xpu` or `mps`, as in an experiment's `device`. */
  kind: z.string(),
  /** The framework's index, counted within the visible devices. */
  index: nonNegativeInt,
  name: z.string(),
  memory_total_bytes: bytes,
  /** The driver's name for the card; null if it has none. */
  uuid: z.string().nullable(),
  pci_bus_id: z.string().nullable(),
  compute_capability: z.string().nullable(),
  /** Profile of a slice of a card, e.g. `1g.10gb`; null for a whole card. */
  mig_profile: z.string().nullable(),
  /** Whether the card was made up for a test (docs/gpu.md). */
  is_simulated: z.boolean(),
});
export type Card = z.infer<typeof cardSchema>;

/** How files that are not the model's own were made. */
export const preparedFromSchema = z.discriminatedUnion("kind", [
  z.strictObject({
    kind: z.literal("merged-adapter"),
    /** As peft calls it, e.g. `LORA`. */
    type: z.string(),
    modules: nonNegativeInt,
    /** How many of them have other weights since the merge; a change smaller than the dtype's steps has no effect. */
    changed_modules: nonNegativeInt,
  }),
  z.strictObject({
    kind: z.literal("gguf"),
    /** Weights in the file by their type, e.g. {"Q4_K": 1048576}. */
    weights_by_type: z.record(z.string(), nonNegativeInt),
    /** The dtype to which Transformers expanded them. */
    dtype: z.string(),
    file_bytes: bytes,
  }),
]);
export type PreparedFrom = z.infer<typeof preparedFromSchema>;
/** Fingerprints of what was loaded: if one differs, it is another model, whatever its name. */
export const fingerprintsSchema = z.strictObject({
  /** Over the files' names, sizes and headers, and a block of every tensor; null if the weights were drawn. */
  weights: z.string().nullable(),
  /** Over the live tokenizer's rules and vocabulary. */
  tokenizer: z.string(),
  /** Null if there is none. */
  chat_template: z.string().nullable(),
  /** Over the generation settings in the model's own files; null in older records. */
  generation_settings: z.string().nullable().default(null),
});
export type Fingerprints = z.infer<typeof fingerprintsSchema>;

/** A tokenizer that splits words of its own vocabulary differently from the SentencePiece file that it was read from. */
export const tokenizerDifferenceSchema = z.strictObject({
  file: z.string(),
  /** `unigram`, `byte pairs`, …; null if the file does not tell. */
  kind: z.string().nullable(),
  tokens: nonNegativeInt,
  /** The number of tokens according to the file itself. */
  own_tokens: nonNegativeInt,
});

export const loadMeasurementSchema = z.strictObject({
  /**
   * Time to load model and tokenizer from files on this machine, until the device is synchronized, with the hub switched off.
   * Null if the weights were drawn.
   */
  load_sec: seconds.nullable(),
  /** Time to download a hub model before that, near 0 if nothing was missing; null for a folder. */
  download_sec: seconds.nullable(),
  /** How much of the weight files was in the page cache when the load began, 0 to 1; null if the system does not tell. */
  page_cache_share: z.number().min(0).max(1).nullable(),
  /** `random`: drawn on this machine for the model's config, so that only memory and speed are meaningful. */
  weights_source: z.enum(["files", "random"]),
  /** What the files were made from, once, before any load; empty for a model's own files. */
  prepared_from: z.array(preparedFromSchema).nullable().default(null),
  /** Peak allocated device memory during load, summed over devices; null on CPU. */
  load_peak_allocated_bytes: bytes.nullable(),
  /** The cards of the live device map, and no others; empty on the CPU. */
  devices: z.array(cardSchema),
  /** Peak RSS during load. */
  load_peak_rss_bytes: bytes.nullable(),
  /** RSS of the fresh trial process before loading: libraries, not model. */
  baseline_rss_bytes: bytes.nullable(),
  peak_rss_source: z.enum(["vmhwm-reset", "sampler", "none"]),
  /** Effective seed for the configuration (torch, numpy, random). */
  seed: nonNegativeInt,
  torch_threads: positiveInt,
  /** Sha-256 over the model's config as loaded (canonical JSON), for comparing runs. */
  model_config_sha256: z.string(),
  /** Commit of the hub snapshot when it came from a hub, else null. */
  model_revision: z.string().nullable(),
  /** The same for the adapter on the model; null if there is none, or if it is not from a hub. */
  adapter_revision: z.string().nullable().default(null),
  fingerprints: fingerprintsSchema.nullable().default(null),
  /** The model's own generation settings that were left out because they would break the measurement. */
  generation_settings_left_out: z.record(z.string(), z.json()).nullable().default(null),
  /** The token that ends answers in the chat template although `generate` does not stop at it; null if there is no such token. */
  unknown_end_token: z.string().nullable().default(null),
  /** Null if there is no difference, or if the tokenizer does not come from a SentencePiece file. */
  tokenizer_difference: tokenizerDifferenceSchema.nullable().default(null),
  /** Null if no model can be built from the config alone. */
  model_shape: modelShapeSchema.nullable(),
  /** How the files were quantized before the load, e.g. `gptq, 4 bits, groups of 128`; null if they were not. */
  stored_quantization: z.string().nullable().default(null),
  /** For each cure, the linear layers that stay unquantized because of it (docs/worker.md, workarounds). */
  kept_by_workarounds: z.record(z.string(), z.array(z.string())).nullable().default(null),
  proof: proofSchema,
});
export type LoadMeasurement = z.infer<typeof loadMeasurementSchema>;

export const gpuStateSchema = z.strictObject({
  index: nonNegativeInt,
  uuid: z.string().nullable(),
  sm_clock_mhz: nonNegativeInt.nullable(),
  memory_clock_mhz: nonNegativeInt.nullable(),
  temperature_celsius: nonNegativeInt.nullable(),
  power_watts: z.number().min(0).nullable(),
  throttle_reasons: z.array(z.string()).nullable(),
  /** Processes other than this one that compute on the card. */
  other_processes: nonNegativeInt.nullable(),
  other_memory_bytes: bytes.nullable(),
});

/** A prompt as a configuration reads it, including chat template and special tokens. */
export const promptMeasurementSchema = z.strictObject({
  input_tokens: nonNegativeInt,
  /** Tokens that were cut off because `truncate_prompts` asked for it. */
  truncated_tokens: nonNegativeInt,
});

/** What else the machine did while a trial ran, from counters read before and after it; null if the system does not tell. */
const noiseShape = {
  /** Share of all cores' time that other processes used, including stolen time; null if the trial was too short. */
  other_cpu_share: z.number().min(0).max(1).nullable().default(null),
  /** Share of the time that the trial's threads waited for a core, of all the time in which they wanted one. */
  cpu_wait_share: z.number().min(0).max(1).nullable().default(null),
  /** Share of the trial's time during which some thread on the machine waited for a core (pressure stall information). */
  cpu_pressure_share: z.number().min(0).max(1).nullable().default(null),
  /** For how long a control group's limit kept the process from running, all cores together. */
  cpu_quota_throttled_sec: seconds.nullable().default(null),
  /** How often heat slowed a core down during the trial. */
  cpu_throttle_events: nonNegativeInt.nullable().default(null),
  /** The cores' mean frequency when the trial ended. */
  cpu_mhz: z.number().min(0).nullable().default(null),
};

const finishReasonSchema = z.enum(["length", "eos", "stop"]);

/** One prompt of a batch and its answer. */
export const batchRowSchema = z.strictObject({
  ...promptMeasurementSchema.shape,
  /** Counted up to the row's own end, without the padding that `generate` adds while other rows continue. */
  output_tokens: nonNegativeInt,
  finish_reason: finishReasonSchema,
  output_text: z.string(),
  output_ids: z.array(nonNegativeInt),
  output_ids_sha256: z.string(),
});

/** In a batch, tokens are counted over all rows together; answer and text are those of the first row, the trial's own prompt. */
export const trialMeasurementSchema = z.strictObject({
  ...promptMeasurementSchema.shape,
  output_tokens: nonNegativeInt,
  finish_reason: finishReasonSchema,
  elapsed_sec: seconds,
  ttft_sec: seconds.nullable(),
  itl_sec: z.array(seconds),
  tpot_sec: seconds.nullable(),
  prefill_tokens_per_sec: z.number().min(0).nullable(),
  decode_tokens_per_sec: z.number().min(0).nullable(),
  /** What the cache's tensors took at the end, as they are stored; null if the model keeps no cache. */
  cache_bytes: bytes.nullable().default(null),
  /** Time to fill the cache to `depth`, before the clock started; null without a depth. */
  depth_fill_sec: seconds.nullable().default(null),
  /**
   * How often something was compiled while the clock ran, which happens only in warm-ups, and how long that took; null if nothing
   * can be compiled.
   */
  compilations: nonNegativeInt.nullable().default(null),
  compile_sec: seconds.nullable().default(null),
  /** How often something was compiled in tries of this trial that do not count. */
  recompilations: nonNegativeInt.nullable().default(null),
  /**
   * Tokens that prompt lookup copied or the assistant drafted, and the share of them that the model accepted; null without
   * drafts.
   */
  drafted_tokens: nonNegativeInt.nullable().default(null),
  accepted_draft_share: z.number().min(0).max(1).nullable().default(null),
  /** Rate of all rows together. */
  batch_tokens_per_sec: z.number().min(0).nullable().default(null),
  peak_memory_allocated_bytes: bytes.nullable(),
  peak_memory_allocated_bytes_by_device: z.array(bytes).nullable(),
  peak_memory_reserved_bytes: bytes.nullable(),
  device_memory_used_bytes: bytes.nullable(),
  /** Why `device_memory_used_bytes` is null; null when it is not. */
  device_memory_used_note: z.string().nullable(),
  peak_rss_bytes: bytes.nullable(),
  peak_rss_source: z.enum(["vmhwm-reset", "sampler", "none"]),
  energy_joules: z.number().min(0).nullable(),
  /** `energy_joules` ÷ output tokens, including the prompt's share. */
  energy_per_token_joules: z.number().min(0).nullable().default(null),
  energy_source: z.enum(["nvml", "amdsmi", "rapl", "simulated"]).nullable(),
  /** Seconds between two steps of the energy counter; null if not known. */
  energy_step_sec: seconds.nullable(),
  /** Why `energy_joules` is null; null when it is not. */
  energy_note: z.string().nullable(),
  ...noiseShape,
  /** UUIDs of the model's cards (or `cuda:0` if a card has none); empty on the CPU. */
  devices: z.array(z.string()),
  gpu_state_before: z.array(gpuStateSchema).nullable(),
  gpu_state_after: z.array(gpuStateSchema).nullable(),
  /** The seed this trial really used. */
  seed: nonNegativeInt,
  chat_template_applied: z.boolean(),
  /** The date that the chat template inserted, always the same one; null if it inserts none. */
  template_date: z.string().nullable().default(null),
  /** Whether the rendered prompt lacks the prompt's text. */
  template_loses_prompt: z.boolean().nullable().default(null),
  /** Hash of the tokens that the model read. */
  input_ids_sha256: z.string().nullable().default(null),
  /** The settings that `generate` used, except the library's defaults: from the experiment and the model's own files. */
  generation_settings: z.record(z.string(), z.json()).nullable().default(null),
  /** New tokens decoded, special tokens left out; the prompt is not repeated. */
  output_text: z.string(),
  /** The new tokens' ids, special ones included. */
  output_ids: z.array(nonNegativeInt),
  /** The text that each new token adds; empty if a character needs further tokens, and for special tokens. */
  output_pieces: z.array(z.string()),
  output_ids_sha256: z.string(),
  /** Every row of a batch, in order; null if there is only one. */
  rows: z.array(batchRowSchema).nullable().default(null),
});
export type TrialMeasurement = z.infer<typeof trialMeasurementSchema>;

/** One more `generate` whose time is broken down; not counted as a trial. Covers decoding only, without the prefill. */
export const profileMeasurementSchema = z.strictObject({
  decode_steps: nonNegativeInt,
  /** Time in the model's forward passes. */
  forward_sec: seconds,
  /** The part of that in linear layers, without the output head. */
  linear_sec: seconds,
  head_sec: seconds,
});

/** What else was running, and what held clocks down, before the run began. */
export const machineStateSchema = z.strictObject({
  sample_sec: seconds,
  /** How many cores were busy with other work while the worker slept. */
  busy_cores: z.number().min(0).nullable(),
  load_average_1min: z.number().min(0).nullable(),
  cpu_governor: z.string().nullable(),
  /** How often heat has slowed a core down since the machine was started. */
  cpu_throttle_events: nonNegativeInt.nullable(),
  swap_used_bytes: bytes.nullable(),
  gpus: z.array(
    z.strictObject({
      index: nonNegativeInt,
      other_processes: nonNegativeInt.nullable(),
      other_memory_bytes: bytes.nullable(),
      utilization_percent: nonNegativeInt.nullable(),
      power_limit_watts: z.number().min(0).nullable(),
      power_limit_default_watts: z.number().min(0).nullable(),
      throttle_reasons: z.array(z.string()).nullable(),
    }),
  ),
});
export type MachineState = z.infer<typeof machineStateSchema>;

/** How fast a device reads its memory: the best of a few passes over an array larger than its caches. */
export const memoryBandwidthSchema = z.strictObject({
  device: z.string(),
  read_bytes_per_sec: z.number().gt(0),
  array_bytes: bytes,
});

/** What the worker can tell about the machine. Never holds secrets: environment variables come from an allow-list. */
export const environmentSchema = z.strictObject({
  python_version: z.string(),
  python_executable: z.string(),
  packages: z.record(z.string(), z.string()),
  platform: z.string(),
  cpu_model: z.string().nullable(),
  cpu_logical_cores: positiveInt.nullable(),
  cpu_physical_cores: positiveInt.nullable(),
  memory_total_bytes: bytes.nullable(),
  torch_threads: positiveInt,
  cuda_version: z.string().nullable(),
  gpu_driver_version: z.string().nullable(),
  gpus: z.array(cardSchema),
  machine_state: machineStateSchema,
  memory_bandwidth: z.array(memoryBandwidthSchema),
  machine: machineSchema.nullable(),
  environment_variables: z.record(z.string(), z.string()),
  /** Sha-256 over the worker's own Python sources. */
  worker_code_sha256: z.string(),
});
export type WorkerEnvironment = z.infer<typeof environmentSchema>;
