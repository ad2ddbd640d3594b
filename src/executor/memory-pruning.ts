/** Decides what is not tried because something that needs no more memory has already run out of it. */
import { isMemoryFailure, mustRunOutOfMemory, type OutOfMemoryUse } from "../plan/oom-pruning.js";
import type { LoadSession, Plan, PlanConfiguration, PlanTrial } from "../plan/plan-types.js";
import type { PlanProgress, SessionWork } from "../run/plan-progress.js";
import type { Failure } from "../run/record-types.js";
import type { PostTrialName } from "../run/session-state.js";

/** Something that is not tried. */
export interface Implied {
  /** Label of the configuration that ran out of memory. */
  readonly by: string;
  /** The failure that is recorded instead of a try. */
  readonly failure: Failure;
}

/** The parts of a load session that must fail. */
export interface ImpliedFailures {
  /** By `prompt_index`. */
  readonly prompts: ReadonlyMap<number, Implied>;
  readonly postTrial: ReadonlyMap<PostTrialName, Implied>;
}

/** A load session that is over, and what failed in it. */
interface PastSession {
  readonly configuration: PlanConfiguration;
  readonly session: LoadSession;
  /** Failure of the session as a whole; null if it did not fail. */
  readonly failure: Failure | null;
  readonly prompts: ReadonlyMap<number, Failure>;
  readonly postTrial: readonly (readonly [PostTrialName, Failure])[];
}

/** Remembers the load sessions of this run in which something failed. */
export class MemoryPruning {
  private readonly past: PastSession[] = [];
  private readonly trialsOf = new Map<string, PlanTrial[]>();

  constructor(
    private readonly plan: Plan,
    private readonly progress: PlanProgress,
  ) {
    for (const trial of plan.trials) {
      const known = this.trialsOf.get(trial.configuration_id);
      if (known === undefined) this.trialsOf.set(trial.configuration_id, [trial]);
      else known.push(trial);
    }
  }

  /** Adds a load session that is over; from now on its failures count for other sessions. */
  add(configuration: PlanConfiguration, session: LoadSession): void {
    if (session.role !== "measure") return;
    const { failure } = this.progress.summarizeSession(session);
    const prompts = this.listPromptFailures(session);
    const postTrial = [...this.progress.readSession(session).postTrial].flatMap(([name, ended]) =>
      ended === null ? [] : [[name, ended] as const],
    );
    // There may be thousands of sessions, and nearly all of them have no failure.
    if (failure === null && prompts.size + postTrial.length === 0) return;
    this.past.push({ configuration, session, failure, prompts, postTrial });
  }

  /** Returns why a load session as a whole is not worth a try; null = load it. */
  findReasonToSkip(configuration: PlanConfiguration, session: LoadSession): string | null {
    for (const past of this.past) {
      const { failure } = past;
      if (failure === null) continue;
      const { worker } = past.configuration;
      if (worker.id === configuration.worker.id) {
        if (past.session.round === session.round && session.role === "measure") continue;
        return `failed in round ${past.session.round + 1}: ${failure.code}`;
      }
      if (this.isImplied(past, configuration, failure.phase === "load" ? "weights" : "tokens", failure)) {
        return describeReason(worker.label, failure);
      }
    }
    return null;
  }

  /** Returns the parts of a load session that must fail although the session as a whole need not. */
  findImplied(configuration: PlanConfiguration): ImpliedFailures {
    const prompts = new Map<number, Implied>();
    const postTrial = new Map<PostTrialName, Implied>();
    for (const past of this.past) {
      const { label } = past.configuration.worker;
      for (const [prompt, failure] of past.prompts) {
        if (!this.isImplied(past, configuration, "tokens", failure)) continue;
        prompts.set(prompt, prompts.get(prompt) ?? buildImplied(label, failure));
      }
      for (const [name, failure] of past.postTrial) {
        if (!this.isImplied(past, configuration, findUse(name), failure)) continue;
        postTrial.set(name, postTrial.get(name) ?? buildImplied(label, failure));
      }
    }
    return { prompts, postTrial };
  }

  private isImplied(past: PastSession, candidate: PlanConfiguration, use: OutOfMemoryUse, { code }: Failure) {
    return this.plan.header.skip_implied && mustRunOutOfMemory(past.configuration, candidate, use, code);
  }

  /** Returns the prompts that ran out of memory in every repeat that was tried. */
  private listPromptFailures(session: LoadSession): ReadonlyMap<number, Failure> {
    const past = this.progress.readSession(session);
    const found = new Map<number, Failure>();
    const completed = new Set<number>();
    for (const { id, prompt_index } of this.trialsOf.get(session.configuration_id) ?? []) {
      const ended = past.readTrialEnd(id);
      if (ended === null) completed.add(prompt_index);
      else if (ended !== undefined && isMemoryFailure(ended.code)) found.set(prompt_index, ended);
    }
    for (const prompt of completed) found.delete(prompt);
    return found;
  }
}

function findUse(name: PostTrialName): OutOfMemoryUse {
  if (name === "profile") return "tokens";
  return name === "lm_eval" ? "weights" : "text";
}

/** Returns why none of the remaining work is worth a load; null if some of it is, or if earlier tries have recorded trials. */
export function findReasonForAll(work: SessionWork, implied: ImpliedFailures): string | null {
  const names: readonly PostTrialName[] = [
    ...(work.profile ? (["profile"] as const) : []),
    ...work.texts.map(({ id }): PostTrialName => `quality ${id}`),
    ...(work.lmEval ? (["lm_eval"] as const) : []),
  ];
  const parts = [
    ...work.trials.map(({ prompt_index }) => implied.prompts.get(prompt_index)),
    ...names.map((name) => implied.postTrial.get(name)),
  ];
  const [first] = parts;
  if (first === undefined || work.trialsOver > 0 || parts.includes(undefined)) return null;
  return describeReason(first.by, first.failure);
}

function describeReason(label: string, { code }: Failure): string {
  return `implied by ${label}: ${code}`;
}

function buildImplied(label: string, failure: Failure): Implied {
  const message = `Not tried: ${label} ran out of memory here, and this needs at least as much.`;
  const untried = { exit_code: null, signal: null, stderr_tail: [], traceback: null };
  return { by: label, failure: { ...failure, ...untried, message } };
}
