/**
 * The one source of the wire format. `npm run schemas` writes the JSON Schema that the Python side validates with.
 *
 * Two ZeroMQ sockets, both bound by the controller and connected by the worker's supervisor:
 *   work     start → load → check_prompt… → generate… → quality… → unload → load … ; each request ends in exactly one `ok` or `error`
 *   control  hello, heartbeat from the worker; ping, cancel, shutdown from the controller
 */
import { z } from "zod";
import { nonNegativeInt, PROTOCOL_VERSION, phaseSchema, positiveInt } from "./common.js";
import { generationSchema, workerConfigurationSchema } from "./configuration.js";
import {
  environmentSchema,
  loadMeasurementSchema,
  profileMeasurementSchema,
  promptMeasurementSchema,
  trialMeasurementSchema,
} from "./measurements.js";
import { promptSchema } from "./prompt.js";
import {
  lmEvalMeasurementSchema,
  lmEvalRequestBodySchema,
  qualityMeasurementSchema,
  qualityRequestBodySchema,
} from "./quality.js";

const messageId = z.string().min(1).max(100);

function message<T extends string, B extends z.ZodType, P extends z.ZodType>(type: T, parent: P, body: B) {
  return z.strictObject({
    v: z.literal(PROTOCOL_VERSION),
    id: messageId,
    parent,
    type: z.literal(type),
    body,
  });
}

const empty = z.strictObject({});

// ---- controller → worker -------------------------------------------------------------------------------------------

/** Starts the forkserver (imports torch, transformers, bitsandbytes) and captures the environment in a fork of it. */
export const startRequest = message("start", z.null(), empty);
/** Forks a fresh trial process and loads one configuration in it. */
export const loadRequest = message(
  "load",
  z.null(),
  z.strictObject({ configuration: workerConfigurationSchema }),
);
/** Counts one prompt's tokens, so that a prompt that does not fit is found before anything is measured. */
export const checkPromptRequest = message(
  "check_prompt",
  z.null(),
  z.strictObject({ prompt: promptSchema, generation: generationSchema }),
);
/** The rows of a batch after the first one, which is `prompt`; absent for a batch of one. */
const furtherPrompts = z.array(promptSchema).min(1).optional();
/** Runs one `generate` in the loaded trial process. */
export const generateRequest = message(
  "generate",
  z.null(),
  z.strictObject({
    trial_id: z.string().min(1),
    phase: z.enum(["warmup", "measure"]),
    prompt: promptSchema,
    further_prompts: furtherPrompts,
    /** 0-based; the trial's seed is generation.seed + repeat. */
    repeat: nonNegativeInt,
    generation: generationSchema,
  }),
);
/** Runs one more `generate` in which the linear layers are timed separately. */
export const profileRequest = message(
  "profile",
  z.null(),
  z.strictObject({ prompt: promptSchema, further_prompts: furtherPrompts, generation: generationSchema }),
);
/** Scores one text with the loaded model; progress is sent once per window. */
export const qualityRequest = message("quality", z.null(), qualityRequestBodySchema);
/** Runs tasks of lm-evaluation-harness on the loaded model; progress is sent as the library makes its requests. */
export const lmEvalRequest = message("lm_eval", z.null(), lmEvalRequestBodySchema);
/** Ends the trial process; answered with `ok` even if there is none. */
export const unloadRequest = message("unload", z.null(), empty);
export const pingRequest = message("ping", z.null(), empty);
/** Ends the trial process of the request `target` at once; that request is then answered with error `cancelled`. */
export const cancelRequest = message("cancel", z.null(), z.strictObject({ target: messageId }));
export const shutdownRequest = message("shutdown", z.null(), empty);

export const controllerMessageSchema = z.discriminatedUnion("type", [
  startRequest,
  loadRequest,
  checkPromptRequest,
  generateRequest,
  profileRequest,
  qualityRequest,
  lmEvalRequest,
  unloadRequest,
  pingRequest,
  cancelRequest,
  shutdownRequest,
]);
export type ControllerMessage = z.infer<typeof controllerMessageSchema>;
export type RequestType = ControllerMessage["type"];

// ---- worker → controller -------------------------------------------------------------------------------------------

/** First message on the control lane, once. */
export const helloMessage = message(
  "hello",
  z.null(),
  z.strictObject({ pid: positiveInt, worker_version: z.string(), python_version: z.string() }),
);
/** Sent every second on the control lane. Proves that the supervisor is alive, nothing more. */
export const heartbeatMessage = message(
  "heartbeat",
  z.null(),
  z.strictObject({ trial_pid: positiveInt.nullable() }),
);
/** Proves that a request makes progress. Sent at most twice a second, so that watching does not disturb what is measured. */
export const progressMessage = message(
  "progress",
  messageId,
  z.strictObject({
    phase: phaseSchema,
    /** What is being done, e.g. "loading weights"; for people. */
    detail: z.string(),
    /** New tokens so far in `warmup` and `measure`; null elsewhere. */
    output_tokens: nonNegativeInt.nullable(),
  }),
);
/** A library's warning, once per distinct text; `count` is how often it came in this configuration. Sent at unload. */
export const libraryWarningMessage = message(
  "notice",
  messageId,
  z.strictObject({ source: z.string(), text: z.string(), count: positiveInt }),
);

const generateResult = z.strictObject({
  request: z.literal("generate"),
  measurement: trialMeasurementSchema,
});
const loadResult = z.strictObject({
  request: z.literal("load"),
  trial_pid: positiveInt,
  measurement: loadMeasurementSchema,
});
export const okMessage = message(
  "ok",
  messageId,
  z.discriminatedUnion("request", [
    z.strictObject({ request: z.literal("start"), environment: environmentSchema }),
    loadResult,
    z.strictObject({ request: z.literal("check_prompt"), measurement: promptMeasurementSchema }),
    generateResult,
    z.strictObject({ request: z.literal("profile"), measurement: profileMeasurementSchema }),
    z.strictObject({ request: z.literal("quality"), measurement: qualityMeasurementSchema }),
    z.strictObject({ request: z.literal("lm_eval"), measurement: lmEvalMeasurementSchema }),
    z.strictObject({
      request: z.literal("unload"),
      proof_after: loadMeasurementSchema.shape.proof.nullable(),
    }),
    z.strictObject({ request: z.literal("ping") }),
    z.strictObject({ request: z.literal("cancel") }),
    z.strictObject({ request: z.literal("shutdown") }),
  ]),
);

/** The taxonomy of worker failures; docs/errors.md gives the one next step for each. */
export const workerErrorCodeSchema = z.enum([
  "import-failed",
  "library-unsupported",
  "model-not-found",
  "model-revision-unknown",
  "model-gated",
  "hub-unreachable",
  "model-unsafe-format",
  "download-disk-full",
  "gguf-unsupported",
  "model-not-prepared",
  "model-kind-unsupported",
  "model-architecture-unknown",
  "model-already-quantized",
  "model-not-quantized",
  "quantization-library-missing",
  "quantization-needs-gpu",
  "quantization-unsupported",
  "checkpoint-of-another-model",
  "model-has-adapter",
  "adapter-invalid",
  "adapter-library-missing",
  "adapter-mismatch",
  "model-corrupt",
  "tokenizer-missing",
  "tokenizer-library-missing",
  "remote-code-refused",
  "device-unavailable",
  "device-unsupported",
  "device-busy",
  "device-fault",
  "device-lost",
  "fork-poisoned",
  "dtype-unsupported",
  "attention-unavailable",
  "attention-mismatch",
  "quantization-not-applied",
  "quantization-mismatch",
  "quantization-shape",
  "skip-modules-unmatched",
  "out-of-memory-device",
  "out-of-memory-host",
  "prompt-too-long",
  "prompt-empty",
  "generation-invalid",
  "logits-not-finite",
  "assistant-mismatch",
  "cache-unavailable",
  "cache-mismatch",
  "compile-unavailable",
  "compile-unsettled",
  "text-too-short",
  "quality-disk-full",
  "quality-not-finite",
  "lm-eval-missing",
  "lm-eval-task-unknown",
  "trial-process-died",
  "no-trial-process",
  "cancelled",
  "message-invalid",
  "worker-exception",
]);
export type WorkerErrorCode = z.infer<typeof workerErrorCodeSchema>;

export const errorMessage = message(
  "error",
  messageId.nullable(),
  z.strictObject({
    code: workerErrorCodeSchema,
    message: z.string(),
    /** A better next step than the code's own; null if there is none. */
    next: z.string().nullable().default(null),
    phase: phaseSchema.nullable(),
    /** Python traceback, for log and record. */
    traceback: z.string().nullable(),
    /** Exit code of the trial process when it ended; null when it lives or was killed by a signal. */
    exit_code: z.int().nullable(),
    /** e.g. "SIGKILL"; null when it was not killed by one. */
    signal: z.string().nullable(),
  }),
);

export const workerMessageSchema = z.discriminatedUnion("type", [
  helloMessage,
  heartbeatMessage,
  progressMessage,
  libraryWarningMessage,
  okMessage,
  errorMessage,
]);
export type WorkerMessage = z.infer<typeof workerMessageSchema>;
export type OkBody = z.infer<typeof okMessage>["body"];
export type ErrorBody = z.infer<typeof errorMessage>["body"];
