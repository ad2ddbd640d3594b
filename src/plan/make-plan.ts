import { didYouMean } from "../base/did-you-mean.js";
import { FalconError } from "../base/errors.js";
import { ExitCode } from "../base/exit-codes.js";
import { sha256OfText, sha256OfValue } from "../base/json.js";
import type { Experiment, Reference, Settings } from "../experiment/experiment.js";
import { type Generation, UNUSED_GENERATION } from "../protocol/configuration.js";
import { isQuantized } from "../quantization/registry.js";
import { varyingAxes } from "./axis-text.js";
import { expand, matches, placed } from "./expand.js";
import { MOST_FURTHER_ROUNDS } from "./further-rounds.js";
import { planLoadSessions } from "./load-sessions.js";
import { nameModelsApart } from "./model-names.js";
import { type ConfigurationName, nameConfigurations } from "./names.js";
import {
  type AutoRepeats,
  countTrialsEach,
  PLAN_SCHEMA_VERSION,
  type Plan,
  type PlanConfiguration,
  type PlanHeader,
  type PlanQuality,
  type PlanText,
  type PlanTrial,
} from "./plan-types.js";
import { chooseReferences } from "./references.js";

/** Each trial is a line in memory and on disk; more than this is a typing mistake. */
const MAX_TRIALS = 1_000_000;
/** With fewer pairs of trials, nothing is said about time, however they were measured. */
const FEWEST_TRIALS_TO_SHARE = 5;

/**
 * The plan of an experiment: configurations in order, each with every prompt in every repeat. The same experiment and
 * worker code give the same plan. Throws FalconError if there is nothing or too much to measure, or no reference.
 */
export function makePlan(
  experiment: Experiment,
  options: { readonly workerCodeSha256: string; readonly overrides?: readonly string[] },
): Plan {
  const cells = expand(experiment, (options.overrides ?? []).length === 0);
  const named = nameModelsApart(cells);
  const names = nameConfigurations(named, varyingAxes(named));
  const reference = namedIndex(experiment.reference, "reference", cells, names);
  const references = chooseReferences(cells, experiment.reference, reference);
  const referenceIndexes = new Set(references);
  const sentinel =
    experiment.sentinel === null ? null : namedIndex(experiment.sentinel, "sentinel", cells, names);
  const ids = names.map(({ id }) => id);
  const texts = planTexts(experiment);
  const quality = planQuality(experiment, texts);
  const amount = planAmount(experiment, references);
  const trialCount = cells.length * countTrialsEach(amount, experiment.prompts.length);
  if (trialCount > MAX_TRIALS) {
    throw new FalconError({
      code: "plan-too-large",
      message: `${trialCount.toLocaleString("en")} trials are planned; at most ${MAX_TRIALS.toLocaleString("en")} are allowed.`,
      next: "Lower repeats, or split the experiment into several files.",
      exitCode: ExitCode.invalidExperiment,
    });
  }
  const configurations = cells.map((cell, index): PlanConfiguration => {
    const { id, label, axes } = names[index] as ConfigurationName;
    const generation = buildGeneration(cell);
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
      batch_size: cell.batch_size,
      axes: { ...axes },
      is_reference: referenceIndexes.has(index),
      reference_id: ids[references[index] ?? index] ?? null,
      inputs_sha256: sha256OfValue({
        ...loaded,
        generation: leaveOutUnused(generation),
        // Left out if it is 1, so that measurements made before there were batches keep the same hash.
        ...(cell.batch_size === 1 ? {} : { batch_size: cell.batch_size }),
        prompts: experiment.prompts.map(({ text }) => text),
        warmup: experiment.warmup,
        quality,
        worker_code_sha256: options.workerCodeSha256,
      }),
    };
  });
  return {
    header: {
      schema_version: PLAN_SCHEMA_VERSION,
      kind: "plan",
      experiment: experiment.name,
      model_name: distinct(named.map(({ model }) => model.name)).join(", "),
      model_note: distinct(cells.flatMap(({ model }) => model.note ?? [])).join(" ") || null,
      reference_configuration_id: ids[reference] as string,
      configurations: configurations.length,
      trials: trialCount,
      ...amount,
      order_seed: experiment.order_seed,
      warmup: experiment.warmup,
      quality,
      profile: experiment.profile,
      skip_implied: experiment.skip_implied,
      overrides: [...(options.overrides ?? [])],
      retries: experiment.retries,
      disturbed_retries: experiment.disturbed_retries,
      smallest_difference: experiment.smallest_difference,
      price_per_hour: experiment.price_per_hour,
      timeouts: experiment.timeouts,
    },
    configurations,
    blocks: planLoadSessions(ids, {
      rounds: amount.rounds,
      seed: experiment.order_seed,
      // The other configurations are compared with what their reference leaves on disk.
      referenceIds:
        quality !== null && texts.length > 0
          ? new Map(ids.map((id, index) => [id, ids[references[index] ?? index] ?? id]))
          : null,
      driftProbeId: sentinel === null ? null : (ids[sentinel] as string),
    }),
    trials: ids.flatMap((id) => planTrials(id, experiment, amount)),
    texts,
  };
}

type Amount = Pick<
  PlanHeader,
  "repeats" | "auto_repeats" | "rounds" | "rounds_share_trials" | "further_rounds"
>;

/**
 * As written in the file. By default, if something is compared and there are enough trials to tell times apart, two loads, which
 * share the trials so that there are no more of them. Further loads follow if
 * a ratio is not known well enough, or if a load was lost to other work.
 */
function planAmount(
  { rounds, repeats, auto_repeats, prompts }: Experiment,
  references: readonly number[],
): Amount {
  const asWritten = {
    ...{ repeats, auto_repeats, rounds: rounds ?? 1 },
    ...{ rounds_share_trials: false, further_rounds: 0 },
  };
  const isCompared = references.some((reference, index) => reference !== index);
  if (rounds !== null || !isCompared) return asWritten;
  if (auto_repeats !== null) return auto_repeats.most < 4 ? asWritten : splitAuto(auto_repeats);
  const isShared = prompts.length * repeats >= FEWEST_TRIALS_TO_SHARE;
  return isShared
    ? { ...asWritten, rounds: 2, rounds_share_trials: true, further_rounds: MOST_FURTHER_ROUNDS }
    : asWritten;
}

/** Each of two loads decides by its own trials when to stop; together they are as precise as was asked for. */
function splitAuto({ width, fewest, most }: AutoRepeats): Amount {
  const mostOfEach = Math.floor(most / 2);
  const ofEach = {
    width: width * Math.SQRT2,
    fewest: Math.min(mostOfEach, Math.max(2, Math.ceil(fewest / 2))),
    most: mostOfEach,
  };
  return {
    ...{ repeats: ofEach.most, auto_repeats: ofEach, rounds: 2 },
    ...{ rounds_share_trials: false, further_rounds: MOST_FURTHER_ROUNDS },
  };
}

function planTrials(
  configurationId: string,
  experiment: Experiment,
  { repeats, rounds, rounds_share_trials: isShared }: Amount,
): PlanTrial[] {
  const trials: PlanTrial[] = [];
  for (let repeat = 0; repeat < repeats * (isShared ? 1 : rounds); repeat++) {
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
        // Every second prompt, and every second repeat of each prompt, so that both loads get some of each.
        round: isShared ? (promptIndex + repeat) % rounds : Math.floor(repeat / repeats),
      });
    }
  }
  return trials;
}

function planTexts(experiment: Experiment): PlanText[] {
  return (experiment.quality?.texts ?? []).map(({ id, text }) => ({
    schema_version: PLAN_SCHEMA_VERSION,
    kind: "text",
    id,
    sha256: sha256OfText(text),
    text,
  }));
}

function planQuality({ quality }: Experiment, texts: readonly PlanText[]): PlanQuality | null {
  if (quality === null) return null;
  const { context, max_tokens, keep_logprobs, kl, lm_eval } = quality;
  return {
    context,
    max_tokens,
    keep_logprobs,
    kl,
    texts: texts.map(({ id, sha256, text }) => ({ id, sha256, characters: text.length })),
    lm_eval: lm_eval === null ? null : { ...lm_eval, tasks: [...lm_eval.tasks] },
  };
}

function buildGeneration(cell: Settings): Generation {
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
    truncate_prompts: cell.truncate_prompts,
    ...(cell.prompt_tokens === undefined ? {} : { prompt_tokens: cell.prompt_tokens }),
    stop: cell.stop,
    eos_token_id: cell.eos_token_id,
    min_p: cell.min_p,
    typical_p: cell.typical_p,
    epsilon_cutoff: cell.epsilon_cutoff,
    eta_cutoff: cell.eta_cutoff,
    num_beams: cell.num_beams,
    prompt_lookup_num_tokens: cell.prompt_lookup_num_tokens,
    system: cell.system,
    chat_template_kwargs: cell.chat_template_kwargs,
    cache: cell.cache,
    assistant_model: cell.assistant_model,
    num_assistant_tokens: cell.num_assistant_tokens,
    depth: cell.depth,
    compile: cell.compile,
  };
}

/** Leaves out newer keys that are not used, so that measurements made before these keys existed keep the same hash. */
function leaveOutUnused(generation: Generation): Partial<Generation> {
  const isUsed = ([key, value]: [string, unknown]) => value !== null || !(key in UNUSED_GENERATION);
  return Object.fromEntries(Object.entries(generation).filter(isUsed));
}

/** The index of the named configuration; by default the first unquantized one, else the first. Throws FalconError if unknown. */
function namedIndex(
  named: Reference,
  key: "reference" | "sentinel",
  cells: readonly Settings[],
  names: readonly ConfigurationName[],
): number {
  if (named.kind === "default") {
    return Math.max(
      0,
      cells.findIndex(({ quantization }) => !isQuantized(quantization)),
    );
  }
  const labels = names.map(({ label }) => label);
  const found =
    named.kind === "label"
      ? labels.indexOf(named.label)
      : cells.findIndex((cell) => matches(cell, named.match));
  if (found !== -1) return found;
  const near = named.kind === "label" ? didYouMean(named.label, labels) : null;
  const place = named.kind === "label" ? named.place : named.match.place;
  throw new FalconError({
    code: "plan-reference-unknown",
    message: `No configuration of this experiment matches ${key}.`,
    next: near === null ? `Configurations are: ${labels.slice(0, 20).join(", ")}.` : `Did you mean ${near}?`,
    ...placed(place),
    exitCode: ExitCode.invalidExperiment,
  });
}

function distinct(texts: readonly string[]): readonly string[] {
  return [...new Set(texts)];
}
