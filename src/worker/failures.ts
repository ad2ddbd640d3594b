/** Every way a worker can fail, and the one next step for each (docs/errors.md). */
import type { Phase } from "../protocol/common.js";
import type { WorkerErrorCode } from "../protocol/messages.js";
import type { Failure } from "../run/record-types.js";

/** Failures that the controller sees from outside. */
export type ObservedFailureCode =
  | "worker-start-failed"
  | "worker-died"
  | "worker-hung"
  | "no-progress"
  | "worker-protocol-error"
  | "model-changed";

export type FailureCode = WorkerErrorCode | ObservedFailureCode;

const NEXT_STEP: Readonly<Record<FailureCode, string>> = {
  "worker-start-failed": "Run `falcon-exp doctor`; the last lines of the worker's stderr are in this record.",
  "worker-died":
    "Read the last lines of stderr in this record; a SIGKILL that nobody sent usually means that memory ran out.",
  "worker-hung":
    "The worker sent no heartbeat. If the machine was suspended or overloaded, run again; else raise timeouts.heartbeat_sec.",
  "no-progress":
    "If this model is only slow, raise the phase's limit under `timeouts:`; else report the hang with log.jsonl.",
  "worker-protocol-error":
    "Controller and worker disagree: run `falcon-exp setup` again; if it happens again, report it with log.jsonl.",
  "import-failed": "Run `falcon-exp setup`, or `falcon-exp doctor` to see which library cannot be imported.",
  "library-unsupported":
    "Install the versions named in the message, or leave --python out to use the managed environment.",
  "model-not-found": "Check the model's name or path in the experiment file; a private model needs HF_TOKEN.",
  "model-revision-unknown": "Check `revision`: it must be a branch, a tag or a commit of this model.",
  "model-gated": "Accept the model's terms on its hub page, then set HF_TOKEN.",
  "hub-unreachable": "Check the network, or give the path of a model that is already on this machine.",
  "model-unsafe-format": "Convert the weights to safetensors; pickled weights can run code and are refused.",
  "download-disk-full":
    "Free space on the disk of the hub's cache, or move it with HF_HOME; complete files are kept.",
  "gguf-unsupported":
    "Name one GGUF file of a family that Transformers reads, or the folder of the original safetensors.",
  "model-not-prepared":
    "Read the message; a full disk is the usual cause: free space on the disk of FALCON_EXP_HOME/prepared.",
  "model-kind-unsupported":
    "Choose a model that continues text: a decoder, or a model for pictures and text whose text part is a decoder.",
  "model-architecture-unknown":
    "Check `model_type`; if it is right, the model is newer than this Transformers: use an environment with a newer one (--python).",
  "model-already-quantized":
    "Ask for `as-stored`, which measures the files as they are, or use a checkpoint in 16 or 32 bits.",
  "model-not-quantized":
    "Ask for `none`, or give `as-stored` the checkpoint that is quantized: {method: as-stored, checkpoint: ./folder}.",
  "quantization-library-missing":
    "Install it into this environment, or leave --python out: the managed one installs it automatically, or with `falcon-exp setup --quantizers`.",
  "quantization-unsupported":
    "The message is the library's own: choose a checkpoint in another format, or an environment with another Transformers (--python).",
  "checkpoint-of-another-model":
    "Give `checkpoint` the quantized files of this very model, or name the checkpoint as `model` and ask for `as-stored`.",
  "quantization-needs-gpu":
    "Leave this method out on this machine; `falcon-exp doctor` lists those that run here.",
  "model-has-adapter":
    "Name the base as the model and the folder as its `adapter`: model: {path: BASE, adapter: FOLDER}.",
  "adapter-invalid":
    "Give the folder of a LoRA adapter (adapter_config.json, adapter_model.safetensors) and the model that it was trained on.",
  "adapter-library-missing":
    "Install peft 0.20 or newer into this environment, or leave --python out: the managed one installs it automatically.",
  "adapter-mismatch":
    "The live model does not run the adapter as asked, so nothing was measured; report the model class and the adapter's kind.",
  "model-changed":
    "Start a new run, or put the files back; --accept-changes continues with what is there (docs/resume.md).",
  "model-corrupt": "Download or copy the model's files again.",
  "tokenizer-missing":
    "Put the model's tokenizer files (tokenizer.json, tokenizer_config.json) beside its weights.",
  "tokenizer-library-missing":
    "Install sentencepiece and protobuf into the environment of --python, or leave --python out: the managed one has them.",
  "remote-code-refused": "Set `trust_remote_code: true` only if you trust the code that this model brings.",
  "device-unavailable": "Run `falcon-exp doctor` to see the devices of this machine, then change `device`.",
  "device-unsupported":
    "The installed PyTorch or bitsandbytes holds no code for this device: install a build that does, or change `device`.",
  "device-busy":
    "Another process uses this device exclusively: see `nvidia-smi`, wait for it to end, or choose another `device`.",
  "device-fault":
    "A computation failed on the device: read the traceback; with CUDA_LAUNCH_BLOCKING=1 it names the exact place.",
  "device-lost":
    "Read what the driver says (`dmesg`, `nvidia-smi`); when the device is back, measure again what is missing.",
  "fork-poisoned":
    "Continue with `falcon-exp run --resume`; if it happens again, report it with the library that the message names.",
  "dtype-unsupported": "Choose another `dtype`; `falcon-exp doctor` lists what each device can compute in.",
  "attention-unavailable": "Use `attention: sdpa` or `eager`, or install the missing kernel's package.",
  "attention-mismatch": "The model does not support this kernel; use `attention: auto`.",
  "quantization-not-applied":
    "Nothing was quantized, so nothing was measured: use `workarounds: auto`; if it is on, report the model class.",
  "quantization-mismatch":
    "Not every layer is quantized as asked; if that is intended, list the modules to leave out under `skip_modules`.",
  "quantization-shape":
    "Copy the `skip_modules` from the message into the experiment file, or use `workarounds: auto`.",
  "skip-modules-unmatched":
    "Give names from the model's start (model.layers.0), whole endings (q_proj), or a pattern from the start (.*mlp).",
  "out-of-memory-device": "Use a smaller quantization, a shorter context, or a device with more memory.",
  "out-of-memory-host": "Free memory on this machine, or use a smaller quantization.",
  "prompt-too-long":
    "Shorten the prompt, lower `max_new_tokens`, or set `generation.truncate_prompts: true`.",
  "prompt-empty": "Give the prompt some text that the model's tokenizer can encode.",
  "generation-invalid": "Correct the `generation:` settings named in the message.",
  "logits-not-finite":
    "Choose `dtype: bfloat16` or float32 (with int8 a lower `threshold`): this model's numbers exceed the range of its dtype.",
  "assistant-mismatch":
    "Choose an assistant with the tokenizer of the model: a smaller one of its own family.",
  "cache-unavailable": "Choose another `cache`, or install what the message names.",
  "cache-mismatch": "The model does not take this cache; use `cache: auto`, and report the model class.",
  "compile-unavailable": "Leave `compile` out, or install what the message names.",
  "compile-unsettled":
    "Give all prompts the same length (`prompt_tokens`), so that they have one shape; if that does not help, set `compile: none` for this model.",
  "text-too-short": "Lower `quality.context`, or give a longer text.",
  "quality-disk-full":
    "Free space on the results' disk, or lower `quality.max_tokens`: the reference's log-probabilities need room during the run.",
  "quality-not-finite":
    "The model computes NaN on this text: try another `dtype` or `compute_dtype`; do not trust its answers.",
  "lm-eval-missing":
    "Install lm_eval 0.4 into this environment, or leave --python out: the managed one installs it automatically.",
  "lm-eval-task-unknown":
    "Correct `quality.lm_eval.tasks`, or name the folder of your tasks as include_path.",
  "trial-process-died": "Read exit code, signal and the last lines of stderr in this record; then run again.",
  "no-trial-process": "This is a defect of falcon-exp: report it with log.jsonl.",
  cancelled: "Continue with `falcon-exp run --resume` to measure what is missing.",
  "message-invalid":
    "Controller and worker disagree: run `falcon-exp setup` again; if it happens again, report it with log.jsonl.",
  "worker-exception": "Read the traceback in this record.",
};

export const FAILURE_CODES = Object.keys(NEXT_STEP) as readonly FailureCode[];

/** The one next step for a failure. */
export function chooseNextStep(code: FailureCode): string {
  return NEXT_STEP[code];
}

/** A request that the worker did not fulfil. */
export class WorkerFailure extends Error {
  constructor(
    readonly code: FailureCode,
    message: string,
    readonly details: {
      readonly phase: Phase | null;
      /** A better next step than the code's own. */
      readonly next?: string | null;
      readonly exitCode?: number | null;
      readonly signal?: string | null;
      readonly stderrTail?: readonly string[];
      readonly traceback?: string | null;
      /** Whether the loaded trial process is still there to serve the next trial. */
      readonly trialProcessAlive: boolean;
    },
  ) {
    super(message);
    this.name = "WorkerFailure";
  }

  /** The failure as it is written to records. */
  toRecord(): Failure {
    return {
      code: this.code,
      message: this.message,
      next: this.details.next ?? NEXT_STEP[this.code],
      phase: this.details.phase,
      exit_code: this.details.exitCode ?? null,
      signal: this.details.signal ?? null,
      stderr_tail: [...(this.details.stderrTail ?? [])],
      traceback: this.details.traceback ?? null,
    };
  }
}

/** Codes after which the trial process is gone, or must not be used again. */
const ENDS_TRIAL_PROCESS: ReadonlySet<FailureCode> = new Set<FailureCode>([
  "trial-process-died",
  "no-trial-process",
  "cancelled",
  "message-invalid",
  "out-of-memory-host",
  "device-busy",
  "device-fault",
  "device-lost",
  "fork-poisoned",
]);

export function endsTrialProcess(code: FailureCode): boolean {
  return ENDS_TRIAL_PROCESS.has(code);
}
