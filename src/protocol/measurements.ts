/** What the worker measures (docs/metrics.md). A value that does not exist is null, never 0 or NaN. */
import { z } from "zod";
import { METHOD_NAMES } from "../quantization/registry.js";
import { bytes, nonNegativeInt, positiveInt, seconds } from "./common.js";
import { machineSchema } from "./machine.js";

/** Read back from the live model, never from what was asked. */
export const quantizationEffectiveSchema = z.strictObject({
  /** `other`: below 16 bits by no method known here; `unknown`: stored in a way that cannot be opened. */
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
  /** All that is stored there, vectors and buffers among it. */
  bytes,
  /** Weights that its matrices (two dimensions or more) stand for. */
  matrix_weights: nonNegativeInt,
  /** What these take, quantization state included. */
  matrix_bytes: bytes,
  /** Those of `matrix_weights` that are stored in fewer than 16 bits. */
  quantized_weights: nonNegativeInt,
  /** Of most of the others; null where there are none. */
  unquantized_dtype: z.string().nullable(),
});
export type CensusKind = z.infer<typeof censusKindSchema>;

/** Every stored tensor of the live model, each storage once. */
export const censusSchema = z.strictObject({
  kinds: z.array(censusKindSchema),
  /** Tensors that cannot be opened, or of which nobody knows how many weights they stand for; at most five names. */
  unknown: z.strictObject({ count: nonNegativeInt, names: z.array(z.string()) }),
});
export type Census = z.infer<typeof censusSchema>;

/** An adapter on the live model, beside its weights. */
export const adapterProofSchema = z.strictObject({
  /** As peft calls it, e.g. `LORA`. */
  type: z.string(),
  /** Modules of the model that it changes. */
  modules: nonNegativeInt,
  parameters: nonNegativeInt,
  bytes,
  dtype: z.string(),
  /** Whether each of its layers adds its product to what lies beneath. */
  active: z.boolean(),
});
export type AdapterProof = z.infer<typeof adapterProofSchema>;

/** A second model that drafts. */
export const assistantProofSchema = z.strictObject({
  model_class: z.string(),
  parameters: nonNegativeInt,
  weights_bytes: bytes,
  dtype: z.string(),
  /** Fingerprint of its weight files; null where they were drawn. */
  weights_sha256: z.string().nullable(),
});

/** The proof of what ran. */
export const proofSchema = z.strictObject({
  model_class: z.string(),
  parameters: nonNegativeInt,
  /** nn.Linear modules and their quantized kin, the output head included. */
  linear_layers: nonNegativeInt,
  quantized_linear_layers: nonNegativeInt,
  /** Linear modules that were to stay unquantized (output head, skip_modules). */
  skipped_linear_modules: z.array(z.string()),
  /** Count of linear modules by Python class, e.g. {"Linear4bit": 210, "Linear": 1}. */
  linear_classes: z.record(z.string(), nonNegativeInt),
  quantization_effective: quantizationEffectiveSchema,
  /** All parameters, buffers and quantization state, each storage counted once. */
  weights_bytes: bytes,
  /** Of the weights in matrices, embeddings and output head apart: those below 16 bits; null where it cannot be told. */
  matrix_weights_quantized_share: z.number().min(0).max(1).nullable().default(null),
  /** 8 × bytes of the same matrices with their quantization state ÷ their weights. */
  mean_bits_per_weight: z.number().min(0).nullable().default(null),
  census: censusSchema.nullable().default(null),
  /** What one decoded token has to read: all weights but embedding tables that are no output head. */
  read_per_token_bytes: bytes,
  /** `get_memory_footprint()`, for comparison: it leaves the quantization state out. */
  memory_footprint_bytes: bytes,
  bytes_by_dtype: z.record(z.string(), bytes),
  dtype: z.string(),
  /** Module → device; {"": "cpu"} for one device. */
  device_map: z.record(z.string(), z.string()),
  offloaded: z.boolean(),
  attn_implementation: z.string(),
  /** Python class of the cache that `generate` made, `none` where it made none; null before the first `generate`. */
  cache_implementation: z.string().nullable(),
  /** Its layers by Python class, e.g. {"QuantoQuantizedLayer": 30}; null where it has none, and before. */
  cache_layers: z.record(z.string(), nonNegativeInt).nullable().default(null),
  /** The most that its tensors took at the end of a `generate`, as they are stored. */
  cache_bytes: bytes.nullable().default(null),
  /** Whether `generate` compiled the forward pass; null before the first one has ended. */
  compiled: z.boolean().nullable(),
  /** How often torch compiled something in all generates, and how long that took; null where nothing could be compiled. */
  compilations: nonNegativeInt.nullable().default(null),
  compile_sec: seconds.nullable().default(null),
  chat_template: z.boolean(),
  /** Names of the cures that were applied while loading. */
  workarounds_applied: z.array(z.string()),
  /** Null where none lies beside the weights; a merged one is part of them. */
  adapter: adapterProofSchema.nullable().default(null),
  /** In `proof_after`; null without one. */
  assistant: assistantProofSchema.nullable().default(null),
});
export type Proof = z.infer<typeof proofSchema>;

/** What a model's cache holds, from a forward pass without numbers. */
export const cacheShapeSchema = z.strictObject({
  /** Of layers that keep every token. */
  elements_per_token: nonNegativeInt,
  /** Layers that keep the newest tokens alone. */
  windows: z.array(z.strictObject({ tokens: nonNegativeInt, elements_per_token: nonNegativeInt })),
  /** Recurrent states: in the model's dtype, and what is kept in another one whatever that is. */
  fixed_elements: nonNegativeInt,
  fixed_bytes: bytes,
});
export type CacheShape = z.infer<typeof cacheShapeSchema>;

/** What an estimate of a model's memory is made from: its config alone, built without weights. */
export const modelShapeSchema = z.strictObject({
  model_type: z.string(),
  /** As stored with the model. */
  dtype: z.string(),
  parameters: nonNegativeInt,
  /** Linear layers that quantization would replace, by size. */
  quantizable_layers: z.array(
    z.strictObject({ in_features: positiveInt, out_features: positiveInt, count: positiveInt }),
  ),
  /** Weights in matrices by kind of module, and those of them that quantization would reach. */
  matrix_kinds: z
    .array(
      censusKindSchema
        .pick({ kind: true, matrix_weights: true })
        .extend({ quantizable_weights: nonNegativeInt }),
    )
    .nullable()
    .default(null),
  /** What the model's files are quantized by already; null where they are not. */
  stored_quantization: z.string().nullable().default(null),
  /** Types of the weights in the GGUF file that the model is expanded from; null where it is none. */
  expanded_from: z.array(z.string()).nullable().default(null),
  /** Embeddings, output head (tied ones once), norms, biases; an adapter's; buffers in the model's dtype. */
  other_parameters: nonNegativeInt,
  /** Of buffers that are in another dtype, whatever the model's is. */
  buffer_bytes: bytes,
  /** Keys and values of one token in all layers, while no window is full. */
  kv_elements_per_token: nonNegativeInt,
  /** Null where the model's code does not tell without numbers. */
  cache: cacheShapeSchema.nullable().default(null),
  layers: positiveInt,
  hidden_size: positiveInt,
  intermediate_size: positiveInt,
  vocabulary: positiveInt,
  context_tokens: positiveInt.nullable(),
});
export type ModelShape = z.infer<typeof modelShapeSchema>;

/** One card of an accelerator: the framework's index, and what ties it to the driver's list. */
export const cardSchema = z.strictObject({
  /** `cuda` (ROCm too), `xpu` or `mps`, as in an experiment's `device`. */
  kind: z.string(),
  /** The framework's, counted within the visible devices. */
  index: nonNegativeInt,
  name: z.string(),
  memory_total_bytes: bytes,
  /** The driver's name for the card; null where it has none. */
  uuid: z.string().nullable(),
  pci_bus_id: z.string().nullable(),
  compute_capability: z.string().nullable(),
  /** Of a slice of a card, e.g. `1g.10gb`; null for a whole card. */
  mig_profile: z.string().nullable(),
  /** Made up for a test (docs/gpu.md). */
  is_simulated: z.boolean(),
});
export type Card = z.infer<typeof cardSchema>;

/** How files came about that are not the model's own. */
export const preparedFromSchema = z.discriminatedUnion("kind", [
  z.strictObject({
    kind: z.literal("merged-adapter"),
    /** As peft calls it, e.g. `LORA`. */
    type: z.string(),
    modules: nonNegativeInt,
    /** Those whose weights differ since; what is smaller than the dtype's steps changes nothing. */
    changed_modules: nonNegativeInt,
  }),
  z.strictObject({
    kind: z.literal("gguf"),
    /** Weights in the file by their type, e.g. {"Q4_K": 1048576}. */
    weights_by_type: z.record(z.string(), nonNegativeInt),
    /** What Transformers expanded them to. */
    dtype: z.string(),
    file_bytes: bytes,
  }),
]);
export type PreparedFrom = z.infer<typeof preparedFromSchema>;
/** Of what was loaded: another one is another model, whatever its name. */
export const fingerprintsSchema = z.strictObject({
  /** Of names, sizes, headers and a block of every tensor of the files; null where weights were drawn. */
  weights: z.string().nullable(),
  /** Of the live tokenizer's rules and vocabulary. */
  tokenizer: z.string(),
  /** Null where there is none. */
  chat_template: z.string().nullable(),
  /** Of those that the model's own files bring along; null in older records. */
  generation_settings: z.string().nullable().default(null),
});
export type Fingerprints = z.infer<typeof fingerprintsSchema>;

/** A tokenizer that cuts words of its own vocabulary otherwise than the SentencePiece file that it was read from. */
export const tokenizerDifferenceSchema = z.strictObject({
  file: z.string(),
  /** `unigram`, `byte pairs`, …; null where the file does not tell. */
  kind: z.string().nullable(),
  tokens: nonNegativeInt,
  /** By the file itself. */
  own_tokens: nonNegativeInt,
});

export const loadMeasurementSchema = z.strictObject({
  /**
   * Model and tokenizer from files on this machine, to a device-synchronized end; the hub is shut off meanwhile. Null
   * where the weights were drawn.
   */
  load_sec: seconds.nullable(),
  /** What fetching a hub's model took before, near 0 where nothing was missing; null for a folder. */
  download_sec: seconds.nullable(),
  /** How much of the weight files was in the page cache when the load began, 0 to 1; null where the system does not tell. */
  page_cache_share: z.number().min(0).max(1).nullable(),
  /** `random`: drawn on this machine for the model's config; only memory and speed mean anything. */
  weights_source: z.enum(["files", "random"]),
  /** What the files were made of, once, before any load; empty for a model's own files. */
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
  /** The same of the adapter on it; null where there is none, or none of a hub's. */
  adapter_revision: z.string().nullable().default(null),
  fingerprints: fingerprintsSchema.nullable().default(null),
  /** What the model's own generation settings asked for that would break the measuring, and was left out. */
  generation_settings_left_out: z.record(z.string(), z.json()).nullable().default(null),
  /** By which the chat template ends answers though `generate` does not end at it; null where all is well. */
  unknown_end_token: z.string().nullable().default(null),
  /** Null where all is well, or the tokenizer is from no such file. */
  tokenizer_difference: tokenizerDifferenceSchema.nullable().default(null),
  /** Null where the config alone makes no model. */
  model_shape: modelShapeSchema.nullable(),
  /** What the files were quantized by before the load, `gptq, 4 bits, groups of 128`; null where they were not. */
  stored_quantization: z.string().nullable().default(null),
  /** By cure, the linear layers that stay unquantized because of it (docs/worker.md, workarounds). */
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

/** A prompt as a configuration reads it, chat template and special tokens included. */
export const promptMeasurementSchema = z.strictObject({
  input_tokens: nonNegativeInt,
  /** Tokens that were cut off because `truncate_prompts` asked for it. */
  truncated_tokens: nonNegativeInt,
});

/** What else the machine did while a trial ran, from counters before and after; null where the system does not tell. */
const noiseShape = {
  /** CPU time of all other processes, stolen time included, of all that the cores had; null for too short a trial. */
  other_cpu_share: z.number().min(0).max(1).nullable().default(null),
  /** Of the time in which the trial's threads wanted a core: for how much of it they had none. */
  cpu_wait_share: z.number().min(0).max(1).nullable().default(null),
  /** Of the trial's time: when some thread on the machine waited for a core (pressure stall information). */
  cpu_pressure_share: z.number().min(0).max(1).nullable().default(null),
  /** For how long a control group's limit kept the process from running, all cores together. */
  cpu_quota_throttled_sec: seconds.nullable().default(null),
  /** Times that heat slowed a core down meanwhile. */
  cpu_throttle_events: nonNegativeInt.nullable().default(null),
  /** The cores' mean frequency as the trial ended. */
  cpu_mhz: z.number().min(0).nullable().default(null),
};

const finishReasonSchema = z.enum(["length", "eos", "stop"]);

/** One prompt of a batch and its answer. */
export const batchRowSchema = z.strictObject({
  ...promptMeasurementSchema.shape,
  /** Up to its own end: what `generate` fills a row up with while others go on is no part of it. */
  output_tokens: nonNegativeInt,
  finish_reason: finishReasonSchema,
  output_text: z.string(),
  output_ids: z.array(nonNegativeInt),
  output_ids_sha256: z.string(),
});
export type BatchRow = z.infer<typeof batchRowSchema>;

/** Tokens are of all rows of a batch together, answer and text of its first row: the trial's own prompt. */
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
  /** What the cache's tensors took at the end, as they are stored; null where the model keeps none. */
  cache_bytes: bytes.nullable().default(null),
  /** What filling the cache to `depth` took, before the clock ran; null without. */
  depth_fill_sec: seconds.nullable().default(null),
  /** What was compiled while the clock ran, and how long that took: in warm-ups alone; null where nothing can be compiled. */
  compilations: nonNegativeInt.nullable().default(null),
  compile_sec: seconds.nullable().default(null),
  /** What was compiled in tries of this trial that do not count. */
  recompilations: nonNegativeInt.nullable().default(null),
  /** Tokens that prompt lookup copied, or the assistant drafted, and the share that the model itself would have said; null without. */
  drafted_tokens: nonNegativeInt.nullable().default(null),
  accepted_draft_share: z.number().min(0).max(1).nullable().default(null),
  /** Of all rows together. */
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
  /** `energy_joules` ÷ output tokens, the prompt's share included. */
  energy_per_token_joules: z.number().min(0).nullable().default(null),
  energy_source: z.enum(["nvml", "amdsmi", "rapl", "simulated"]).nullable(),
  /** Seconds between two steps of the energy counter; null where it is not known. */
  energy_step_sec: seconds.nullable(),
  /** Why `energy_joules` is null; null when it is not. */
  energy_note: z.string().nullable(),
  ...noiseShape,
  /** UUIDs of the model's cards (or `cuda:0` where a card has none); empty on the CPU. */
  devices: z.array(z.string()),
  gpu_state_before: z.array(gpuStateSchema).nullable(),
  gpu_state_after: z.array(gpuStateSchema).nullable(),
  /** The seed this trial really used. */
  seed: nonNegativeInt,
  chat_template_applied: z.boolean(),
  /** The date that the chat template wrote in, always the same one; null where it writes none. */
  template_date: z.string().nullable().default(null),
  /** Whether the rendered prompt lacks the prompt's text. */
  template_loses_prompt: z.boolean().nullable().default(null),
  /** Of the tokens that the model read. */
  input_ids_sha256: z.string().nullable().default(null),
  /** What `generate` went by, but for what is the library's default: of the experiment and of the model's own files. */
  generation_settings: z.record(z.string(), z.json()).nullable().default(null),
  /** New tokens decoded, special tokens left out; the prompt is not repeated. */
  output_text: z.string(),
  /** The new tokens' ids, special ones included. */
  output_ids: z.array(nonNegativeInt),
  /** The text that each of them adds; empty where a character needs further tokens, and for special ones. */
  output_pieces: z.array(z.string()),
  output_ids_sha256: z.string(),
  /** Every row of a batch, in order; null where there is one. */
  rows: z.array(batchRowSchema).nullable().default(null),
});
export type TrialMeasurement = z.infer<typeof trialMeasurementSchema>;

/** One more `generate`, its time taken apart; not counted as a trial. Of decoding alone: the prefill is left out. */
export const profileMeasurementSchema = z.strictObject({
  decode_steps: nonNegativeInt,
  /** In the model's forward passes. */
  forward_sec: seconds,
  /** Of that, in linear layers, the output head apart. */
  linear_sec: seconds,
  head_sec: seconds,
});
export type ProfileMeasurement = z.infer<typeof profileMeasurementSchema>;

/** What else ran, and what held clocks down, before the run began. */
export const machineStateSchema = z.strictObject({
  sample_sec: seconds,
  /** Cores' worth of work by others while the worker slept. */
  busy_cores: z.number().min(0).nullable(),
  load_average_1min: z.number().min(0).nullable(),
  cpu_governor: z.string().nullable(),
  /** Times that heat slowed a core down since the machine was started. */
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
export type MemoryBandwidth = z.infer<typeof memoryBandwidthSchema>;

/** What the worker can say of the machine. Never holds secrets: environment variables come from an allow-list. */
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
