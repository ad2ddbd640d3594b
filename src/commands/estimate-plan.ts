/** Estimates what each configuration of a plan will take, before any weights have been downloaded. */

import { dirname } from "node:path";
import {
  computeMargin,
  type EstimateMargin,
  type FitVerdict,
  judgeFit,
  type PastPeak,
} from "../analysis/estimate-margin.js";
import { needsBuiltinModel, withBuiltinPath } from "../plan/builtin-model.js";
import { type Estimate, estimate } from "../plan/estimate.js";
import type { Plan, PlanConfiguration } from "../plan/plan-types.js";
import { describePrompt } from "../protocol/prompt.js";
import { describeModels, type ModelDescription } from "../python-env/describe-models.js";
import { canEstimate, findCheckpoint } from "../quantization/registry.js";
import { describeExpectedShare, describeStoredQuantization } from "../render/words/quantized-share.js";
import { describeKept } from "../render/words/remarks.js";
import { findRun } from "../run/find-run.js";
import { readRun } from "../run/run-data.js";
import type { CommandIo } from "./io.js";
import { readPastPeaks } from "./past-peaks.js";
import { prepareEnvironment } from "./prepare-environment.js";

export interface ConfigurationEstimate {
  readonly id: string;
  readonly label: string;
  /** Prompt, answer and padding of the configuration's longest row; a prompt's tokens are estimated from its characters. */
  readonly tokens: number;
  readonly estimate: Estimate | null;
  readonly download_bytes: number | null;
  /** From the experiment's newest run, loads included; null if the configuration did not complete in it. */
  readonly last_elapsed_sec: number | null;
  readonly fits: readonly {
    readonly device: string;
    readonly memory_bytes: number;
    readonly fits: boolean;
    readonly verdict: FitVerdict;
    readonly spare_bytes: number;
  }[];
  /** How far the measured value may lie from the estimate; null if there is no estimate. */
  readonly margin: EstimateMargin | null;
  /** Sentences about what its quantization will not reach, and about files that are quantized already. */
  readonly remarks: readonly string[];
  /** Why there is no estimate. */
  readonly error: { readonly code: string; readonly message: string } | null;
}

export interface EstimateOptions {
  readonly python: string | null;
  readonly results: string;
  /** Memory to judge by, in bytes; if empty, this machine's. */
  readonly memory: readonly number[];
}

export async function estimatePlan(
  io: CommandIo,
  plan: Plan,
  options: EstimateOptions,
): Promise<readonly ConfigurationEstimate[]> {
  const environment = await prepareEnvironment(io, {
    python: options.python,
    needsBuiltinModel: needsBuiltinModel(plan),
    extras: [],
  });
  const { models, devices } = await describeModels(
    environment.python,
    {
      loads: plan.configurations.map(({ worker }) => ({
        model:
          findCheckpoint(worker.quantization) ?? withBuiltinPath(worker.model, environment.builtinModelPath),
        quantization: worker.quantization,
        dtype: worker.dtype,
        // An amount of memory that was given is taken to be a GPU's.
        device: options.memory.length > 0 && worker.device !== "cpu" ? "cuda" : worker.device,
        workarounds: worker.workarounds,
      })),
      trustRemoteCode: plan.configurations.some(({ worker }) => worker.trust_remote_code),
    },
    { env: { ...io.env, ...environment.env }, pythonPath: environment.env.PYTHONPATH ?? "" },
  );
  const places =
    options.memory.length === 0
      ? devices
      : options.memory.map((memory_bytes) => ({ device: "cuda", name: "given", memory_bytes }));
  const last = await readLastTimes(io, plan, options.results);
  const past = await readPastPeaks(options.results, io.cwd);
  return plan.configurations.map((configuration, index) =>
    estimateOne(configuration, models[index] ?? null, places, {
      tokens: countLongestRow(plan, configuration),
      elapsed: last.get(configuration.worker.label)?.sec ?? null,
      past,
    }),
  );
}

function estimateOne(
  { worker, batch_size, generation: { num_beams, cache } }: PlanConfiguration,
  description: ModelDescription | null,
  places: readonly { readonly device: string; readonly memory_bytes: number }[],
  {
    tokens,
    elapsed,
    past,
  }: { readonly tokens: number; readonly elapsed: number | null; readonly past: readonly PastPeak[] },
): ConfigurationEstimate {
  const shape = description?.shape ?? null;
  const batch = batch_size * (num_beams ?? 1);
  const onGpu = worker.device !== "cpu" && places.some(({ device }) => device.startsWith("cuda"));
  const device = onGpu ? "cuda" : "cpu";
  const own =
    shape === null || !canEstimate(worker.quantization)
      ? null
      : estimate({
          shape,
          quantization: worker.quantization,
          dtype: worker.dtype,
          tokens,
          batch,
          cache,
          device,
        });
  const margin = computeMargin(past, worker.quantization.method, device);
  return {
    id: worker.id,
    label: worker.label,
    tokens,
    estimate: own,
    download_bytes: description?.download_bytes ?? null,
    last_elapsed_sec: elapsed,
    fits:
      own === null
        ? []
        : places.map(({ device: name, memory_bytes }) => {
            const verdict = judgeFit(own.total_bytes, memory_bytes, margin);
            const spare_bytes = memory_bytes - own.total_bytes;
            return { device: name, memory_bytes, fits: verdict !== "no", verdict, spare_bytes };
          }),
    margin: own === null ? null : margin,
    remarks:
      shape === null
        ? []
        : [
            ...describeKept(description?.kept ?? {}, "will stay"),
            describeExpectedShare(shape, worker.quantization.method, worker.dtype),
            describeStoredQuantization(shape, worker.quantization),
          ].filter((remark) => remark !== null),
    error: description?.error ?? null,
  };
}

/** Used because the tokenizer is not at hand. In most texts a token has three characters or more, so this errs upwards. */
const CHARACTERS_PER_TOKEN = 3;
/** Roughly what a chat template adds. */
const TEMPLATE_TOKENS = 40;

/** Returns the tokens of the longest row of a configuration, with its padding. */
export function countLongestRow(plan: Plan, { worker, generation, batch_size }: PlanConfiguration): number {
  const depth = generation.depth ?? 0;
  const own = plan.trials.filter(({ configuration_id }) => configuration_id === worker.id);
  const lengths =
    generation.prompt_tokens === undefined
      ? own.map(
          ({ prompt }) => Math.ceil(describePrompt(prompt).length / CHARACTERS_PER_TOKEN) + TEMPLATE_TOKENS,
        )
      : [generation.prompt_tokens];
  const longest = lengths.reduce((most, one) => Math.max(most, one), 0);
  const { max_length } = generation;
  if (max_length === null) return depth + longest + (generation.max_new_tokens ?? 0);
  if (batch_size === 1) return depth + max_length;
  // Rows are padded to the longest prompt, and go on until that of the shortest one has ended. This errs upwards: the two
  // may be in different batches.
  const shortest = lengths.reduce((least, one) => Math.min(least, one), longest);
  return depth + max_length + Math.min(longest, max_length) - Math.min(shortest, max_length);
}

export interface LastTime {
  /** The sum over all its rounds. */
  readonly sec: number;
  /** Of the planned rounds: a new run may need further loads as well as this one did. */
  readonly trials: number;
}

/** The times of the configurations that completed in the experiment's newest run, by label. */
export async function readLastTimes(
  io: CommandIo,
  plan: Plan,
  results: string,
): Promise<ReadonlyMap<string, LastTime>> {
  const found = new Map<string, LastTime>();
  try {
    const folder = await findRun(plan.header.experiment, results, io.cwd);
    if (dirname(folder) === folder) return found;
    const { data } = await readRun(folder);
    for (const { plan: own, status, elapsedSec, trials, furtherTrials } of data.configurations) {
      if (status !== "completed") continue;
      found.set(own.worker.label, { sec: elapsedSec, trials: trials.length - furtherTrials });
    }
  } catch {
    // There is no run yet, or it cannot be read: then there is no history.
  }
  return found;
}
