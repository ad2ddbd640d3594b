import { sha256OfValue } from "../base/canonical.js";
import { didYouMean } from "../base/did-you-mean.js";
import { FalconError } from "../base/errors.js";
import { ExitCode } from "../base/exit-codes.js";
import type { Generation } from "../protocol/configuration.js";
import type { Experiment, Settings } from "../spec/experiment.js";
import { varyingAxes } from "./axis-text.js";
import { expand, matches, placed } from "./expand.js";
import { type ConfigurationName, nameConfigurations } from "./names.js";
import { PLAN_SCHEMA_VERSION, type Plan, type PlanConfiguration, type PlanTrial } from "./plan-types.js";

/** Each trial is a line in memory and on disk; more than this is a slip of the keyboard. */
const MAX_TRIALS = 1_000_000;

/**
 * The plan of an experiment: configurations in order, each with every prompt in every repeat. The same experiment and
 * worker code give the same plan. Throws FalconError where there is nothing, or too much, to measure, or no reference.
 */
export function makePlan(experiment: Experiment, options: { readonly workerCodeSha256: string }): Plan {
  const cells = expand(experiment);
  const names = nameConfigurations(cells, varyingAxes(cells));
  const reference = referenceIndex(experiment, cells, names);
  const trialCount = cells.length * experiment.prompts.length * experiment.repeats;
  if (trialCount > MAX_TRIALS) {
    throw new FalconError({
      code: "plan-too-large",
      message: `${trialCount.toLocaleString("en")} trials are planned; at most ${MAX_TRIALS.toLocaleString("en")} are taken.`,
      next: "Lower repeats, or split the experiment into several files.",
      exitCode: ExitCode.invalidExperiment,
    });
  }
  const configurations = cells.map((cell, index): PlanConfiguration => {
    const { id, label, axes } = names[index] as ConfigurationName;
    const generation = generationOf(cell);
    const loaded = {
      model: cell.model.source,
      quantization: cell.quantization,
      dtype: cell.dtype,
      device: cell.device,
      attention: cell.attention,
      trust_remote_code: experiment.trust_remote_code,
      workarounds: experiment.workarounds,
    };
    return {
      schema_version: PLAN_SCHEMA_VERSION,
      kind: "configuration",
      index,
      worker: { id, label, ...loaded },
      generation,
      axes: { ...axes },
      is_reference: index === reference,
      inputs_sha256: sha256OfValue({
        ...loaded,
        generation,
        prompts: experiment.prompts.map(({ text }) => text),
        warmup: experiment.warmup,
        worker_code_sha256: options.workerCodeSha256,
      }),
    };
  });
  return {
    header: {
      schema_version: PLAN_SCHEMA_VERSION,
      kind: "plan",
      experiment: experiment.name,
      model_name: distinct(cells.map(({ model }) => model.name)).join(", "),
      model_note: distinct(cells.flatMap(({ model }) => model.note ?? [])).join(" ") || null,
      reference_configuration_id: (names[reference] as ConfigurationName).id,
      configurations: configurations.length,
      trials: trialCount,
      repeats: experiment.repeats,
      warmup: experiment.warmup,
      timeouts: experiment.timeouts,
    },
    configurations,
    trials: names.flatMap(({ id }) => trialsOf(id, experiment)),
  };
}

function trialsOf(configurationId: string, experiment: Experiment): PlanTrial[] {
  const trials: PlanTrial[] = [];
  for (let repeat = 0; repeat < experiment.repeats; repeat++) {
    for (const [promptIndex, prompt] of experiment.prompts.entries()) {
      trials.push({
        schema_version: PLAN_SCHEMA_VERSION,
        kind: "trial",
        id: `${configurationId}/p${promptIndex + 1}/r${repeat + 1}`,
        index: trials.length,
        configuration_id: configurationId,
        prompt_index: promptIndex,
        prompt_id: prompt.id,
        prompt: prompt.text,
        repeat,
      });
    }
  }
  return trials;
}

function generationOf(cell: Settings): Generation {
  return {
    max_new_tokens: cell.max_new_tokens,
    max_length: cell.max_length,
    min_new_tokens: cell.min_new_tokens,
    sampling: cell.sampling,
    seed: cell.seed,
    temperature: cell.temperature,
    top_k: cell.top_k,
    top_p: cell.top_p,
    repetition_penalty: cell.repetition_penalty,
    chat_template: cell.chat_template,
  };
}

/** Index of the configuration that the others are compared with: as named, else the first unquantized, else the first. */
function referenceIndex(
  experiment: Experiment,
  cells: readonly Settings[],
  names: readonly ConfigurationName[],
): number {
  const { reference } = experiment;
  if (reference.kind === "default") {
    return Math.max(
      0,
      cells.findIndex(({ quantization }) => quantization.method === "none"),
    );
  }
  const labels = names.map(({ label }) => label);
  const found =
    reference.kind === "label"
      ? labels.indexOf(reference.label)
      : cells.findIndex((cell) => matches(cell, reference.match));
  if (found !== -1) return found;
  const near = reference.kind === "label" ? didYouMean(reference.label, labels) : null;
  const place = reference.kind === "label" ? reference.place : reference.match.place;
  throw new FalconError({
    code: "plan-reference-unknown",
    message: "No configuration of this experiment is the one that reference names.",
    next: near === null ? `Configurations are: ${labels.slice(0, 20).join(", ")}.` : `Did you mean ${near}?`,
    ...placed(place),
    exitCode: ExitCode.invalidExperiment,
  });
}

function distinct(texts: readonly string[]): readonly string[] {
  return [...new Set(texts)];
}
