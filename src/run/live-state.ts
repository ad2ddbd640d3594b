/** What a run has done so far, for a person who watches it. A pure function of the events. */

import { pluralize } from "../base/text.js";
import { planFurtherTrials } from "../plan/further-rounds.js";
import type { LoadSession, Plan } from "../plan/plan-types.js";
import type { RunEvent } from "./events.js";

export interface LiveState {
  /** 1-based position of the load in progress; 0 before the first. A configuration is loaded once per round. */
  readonly configuration: number;
  readonly configurations: number;
  readonly label: string;
  /** For people: "loading", "warm-up 1 of 1", "trial 2 of 5". */
  readonly activity: string;
  readonly detail: string;
  readonly outputTokens: number | null;
  readonly tokensPerSec: number | null;
  /** Trials that are over, completed or not, in the whole run and in this configuration. */
  readonly trialsOver: number;
  readonly trials: number;
  readonly trialsOverHere: number;
  /** How many of those an earlier attempt had recorded. */
  readonly trialsKeptHere: number;
  readonly trialsHere: number;
  readonly startedSec: number;
  /** Seconds that each finished configuration took, including its load. */
  readonly configurationSec: readonly number[];
  readonly configurationStartedSec: number | null;
  /** When this configuration's first trial began and its latest one ended: they give the pace of its trials, without its load. */
  readonly firstTrialStartedSec: number | null;
  readonly lastTrialEndedSec: number | null;
  readonly isStopping: boolean;
}

const NO_TRIAL_YET = { firstTrialStartedSec: null, lastTrialEndedSec: null } as const;

export function initialState(plan: Plan, nowSec: number): LiveState {
  return {
    configuration: 0,
    configurations: plan.blocks.length,
    label: "",
    activity: "starting the worker",
    detail: "",
    outputTokens: null,
    tokensPerSec: null,
    trialsOver: 0,
    trials: plan.trials.length,
    trialsOverHere: 0,
    trialsKeptHere: 0,
    trialsHere: 0,
    startedSec: nowSec,
    configurationSec: [],
    configurationStartedSec: null,
    ...NO_TRIAL_YET,
    isStopping: false,
  };
}

const QUIET = { detail: "", outputTokens: null, tokensPerSec: null } as const;

export function advance(state: LiveState, event: RunEvent, plan: Plan, nowSec: number): LiveState {
  switch (event.type) {
    case "worker-starting":
      return { ...state, ...QUIET, activity: "starting the worker" };
    case "configuration-started": {
      const { session, trialsOver } = event;
      const trialsHere = countTrials(session, plan);
      const label = labelSession(event.configuration.worker.label, session, plan);
      return {
        ...state,
        ...QUIET,
        configuration: findPosition(session, plan) ?? state.configuration + (label === state.label ? 0 : 1),
        label,
        activity: "loading",
        trialsHere,
        // An expensive load may already have measured trials of later sessions.
        trialsOver: Math.max(state.trialsOver, trialsBefore(session, plan) + trialsOver),
        trialsOverHere: trialsOver,
        trialsKeptHere: trialsOver,
        configurationStartedSec: nowSec,
        ...NO_TRIAL_YET,
      };
    }
    case "ratios-uncertain":
      return {
        ...state,
        configuration: Math.max(state.configuration, plan.blocks.length),
        configurations: state.configurations + event.sessions.length,
        trials: state.trials + event.trials,
      };
    case "rounds-joined":
      return { ...state, trialsHere: state.trialsHere + event.trials };
    case "warmup-started":
      return { ...state, ...QUIET, activity: `warm-up ${event.index + 1} of ${plan.header.warmup}` };
    case "disturbed-again":
      return { ...state, ...QUIET, activity: `${pluralize(event.trials, "disturbed trial")} again` };
    case "trial-started":
      return {
        ...state,
        ...QUIET,
        activity: `trial ${state.trialsOverHere + 1} of ${state.trialsHere}`,
        firstTrialStartedSec: state.firstTrialStartedSec ?? nowSec,
      };
    case "progress": {
      const { detail, outputTokens, tokensPerSec } = event;
      return { ...state, detail, outputTokens, tokensPerSec };
    }
    case "trial-completed":
    case "trial-failed":
      return {
        ...state,
        trialsOver: state.trialsOver + 1,
        trialsOverHere: state.trialsOverHere + 1,
        lastTrialEndedSec: nowSec,
        ...(event.type === "trial-completed"
          ? { tokensPerSec: event.measurement.decode_tokens_per_sec }
          : {}),
      };
    case "configuration-completed":
    case "configuration-failed": {
      const isOpen = state.configurationStartedSec !== null;
      const elapsed = nowSec - (state.configurationStartedSec ?? nowSec);
      // A configuration that was never started has no trials counted yet, and none to come.
      const skipped = isOpen ? state.trialsHere - state.trialsOverHere : 0;
      return {
        ...state,
        ...QUIET,
        configuration: isOpen
          ? state.configuration
          : (findPosition(event.session, plan) ?? state.configuration + 1),
        trialsOver: state.trialsOver + skipped,
        trialsOverHere: 0,
        trialsKeptHere: 0,
        trialsHere: 0,
        configurationSec:
          isOpen && event.type === "configuration-completed"
            ? [...state.configurationSec, elapsed]
            : state.configurationSec,
        configurationStartedSec: null,
        ...NO_TRIAL_YET,
      };
    }
    case "configuration-kept":
    case "configuration-skipped":
      return {
        ...state,
        ...QUIET,
        configuration: findPosition(event.session, plan) ?? state.configuration + 1,
        trialsOver: Math.max(
          state.trialsOver,
          trialsBefore(event.session, plan) + countTrials(event.session, plan),
        ),
      };
    case "measurement-started":
      return { ...state, ...QUIET, activity: event.what };
    case "stopping":
      return { ...state, isStopping: true };
    default:
      return state;
  }
}

/** `none`, `none (round 2 of 3)`, `none (round 3)` for a further round, `none (sentinel 1 of 3)`. */
export function labelSession(label: string, session: LoadSession, plan: Plan): string {
  if (session.role === "sentinel") return `${label} (sentinel ${session.round + 1} of 3)`;
  const { rounds } = plan.header;
  if (isFurther(session, plan)) return `${label} (round ${session.round + 1})`;
  return rounds === 1 ? label : `${label} (round ${session.round + 1} of ${rounds})`;
}

/** Position of a planned load, from 1; null for one of a further round. In a slice, indexes are those of the whole plan. */
function findPosition(session: LoadSession, plan: Plan): number | null {
  return isFurther(session, plan) ? null : plan.blocks.findIndex(({ index }) => index === session.index) + 1;
}

function isFurther({ role, round }: LoadSession, plan: Plan): boolean {
  return role === "measure" && round >= plan.header.rounds;
}

function countTrials(session: LoadSession, plan: Plan): number {
  if (session.role === "sentinel") return 0;
  if (isFurther(session, plan))
    return planFurtherTrials(plan, session.configuration_id, session.round).length;
  return plan.trials.filter(
    ({ configuration_id, round }) => configuration_id === session.configuration_id && round === session.round,
  ).length;
}

/** Number of trials in all load sessions before this one: they are over, however they ended. */
function trialsBefore(of: LoadSession, plan: Plan): number {
  if (isFurther(of, plan)) return 0;
  const buildKey = (one: { readonly configuration_id: string; readonly round: number }) =>
    `${one.round}/${one.configuration_id}`;
  const before = plan.blocks.filter((session) => session.role === "measure" && session.index < of.index);
  const keys = new Set(before.map(buildKey));
  return plan.trials.filter((trial) => keys.has(buildKey(trial))).length;
}

/**
 * Estimates the seconds left: configurations to come take as long as those that are over, and this one continues at the pace of
 * its own trials. Null until one trial is over. Until something ends, it only counts down.
 */
export function secondsLeft(state: LiveState, nowSec: number): number | null {
  const { configurationSec, configurationStartedSec } = state;
  const wholeHere = configurationStartedSec === null ? null : expectedHere(state, configurationStartedSec);
  const known = [...configurationSec, ...(wholeHere === null ? [] : [wholeHere])];
  if (known.length === 0) return null;
  const typical = known.reduce((sum, seconds) => sum + seconds, 0) / known.length;
  const toCome = state.configurations - state.configuration;
  const here = configurationStartedSec === null ? 0 : nowSec - configurationStartedSec;
  const restHere = configurationStartedSec === null ? 0 : Math.max(0, (wholeHere ?? typical) - here);
  return restHere + toCome * typical;
}

/**
 * Estimates how long this configuration takes as a whole: the time before its first trial, plus all its trials at the pace of
 * those that are over. Null until one is over.
 */
function expectedHere(state: LiveState, startedSec: number): number | null {
  const { firstTrialStartedSec, lastTrialEndedSec, trialsOverHere, trialsKeptHere, trialsHere } = state;
  if (firstTrialStartedSec === null || lastTrialEndedSec === null) return null;
  const pace = (lastTrialEndedSec - firstTrialStartedSec) / (trialsOverHere - trialsKeptHere);
  return firstTrialStartedSec - startedSec + pace * (trialsHere - trialsKeptHere);
}
