/** Runs the steps of a check side by side, with the output of each kept separate. */
import { execa } from "execa";
import type { TestOutcome } from "./fault-matrix.js";

export interface Outcome {
  readonly passed: number;
  readonly failed: number;
  /** For each test that did not run, the reason why. */
  readonly skipped: readonly string[];
  /** How many of these may be skipped everywhere. */
  readonly excused?: number;
  /** The outcome of each test, if the step reports it. */
  readonly tests?: readonly TestOutcome[];
  readonly failures?: readonly Failure[];
}

export interface Failure {
  /** The test, or the file that could not be run. */
  readonly name: string;
  readonly message: string;
}

/** Takes the output of a step as it comes. */
export type Say = (text: string) => void;

export interface Step {
  readonly name: string;
  /** An earlier step that must have ended before this one starts. */
  readonly after?: Step;
  /** A step that throws has failed; the error is added to its output. */
  run(say: Say): Promise<Outcome>;
}

export interface StepResult extends Outcome {
  readonly name: string;
  readonly elapsedSec: number;
}

/** The outcome of a step that is one check. */
export function countOne(ok: boolean): Outcome {
  return { passed: ok ? 1 : 0, failed: ok ? 0 : 1, skipped: [] };
}

export interface SideBySideOptions {
  /** The maximum number of steps at a time. */
  readonly limit: number;
  /** Whether a skipped test counts as failed, unless it is excused. */
  readonly skipsFail: boolean;
  readonly write: (text: string) => void;
}

/**
 * Runs the steps, starting with the first ones, and returns their results in the order of `steps`. Their output is written in
 * that order too: that of the first step that has not ended as it comes, that of later steps once it is their turn.
 */
export async function runSideBySide(
  steps: readonly Step[],
  options: SideBySideOptions,
): Promise<readonly StepResult[]> {
  const endings = new Map<Step, Promise<void>>();
  const outputs = steps.map(({ name }) => ({ held: [`\n── ${name}\n`], hasEnded: false }));
  let shown = 0;
  const flush = () => {
    for (let output = outputs[shown]; output !== undefined; output = outputs[++shown]) {
      for (const text of output.held.splice(0)) options.write(text);
      if (!output.hasEnded) return;
    }
  };
  const results: StepResult[] = [];
  const runOne = async (step: Step, index: number) => {
    const output = outputs[index] as (typeof outputs)[number];
    if (step.after !== undefined) await endings.get(step.after);
    const say: Say = (text) => {
      output.held.push(text);
      flush();
    };
    const result = await timeStep(step, options.skipsFail, say);
    output.hasEnded = true;
    flush();
    results[index] = result;
  };
  const waiting = steps.entries();
  const lane = async () => {
    for (const [index, step] of waiting) {
      const ending = runOne(step, index);
      endings.set(step, ending);
      await ending;
    }
  };
  flush();
  await Promise.all(Array.from({ length: options.limit }, lane));
  return results;
}

async function timeStep(step: Step, skipsFail: boolean, say: Say): Promise<StepResult> {
  const started = process.hrtime.bigint();
  let outcome: Outcome;
  try {
    outcome = await step.run(say);
  } catch (error) {
    say(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
    outcome = countOne(false);
  }
  for (const reason of outcome.skipped) say(`skipped: ${reason}\n`);
  const failed = outcome.failed + (skipsFail ? outcome.skipped.length - (outcome.excused ?? 0) : 0);
  const elapsedSec = Number(process.hrtime.bigint() - started) / 1e9;
  say(`   ${failed === 0 ? "ok" : "FAILED"} (${elapsedSec.toFixed(0)} s)\n`);
  return { ...outcome, failed, name: step.name, elapsedSec };
}

export interface CommandOptions {
  readonly cwd: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** Runs a command and passes what it prints to `say`. Returns whether it exited with 0. */
export async function runCommand(
  say: Say,
  file: string,
  args: readonly string[],
  { cwd, env = {} }: CommandOptions,
): Promise<boolean> {
  const child = execa(file, [...args], {
    cwd,
    env,
    stdin: "ignore",
    all: true,
    buffer: false,
    reject: false,
    preferLocal: true,
  });
  child.all.setEncoding("utf8").on("data", say);
  const { failed, exitCode, shortMessage } = await child;
  // A command that does not exist or was killed has not printed anything about it.
  if (failed && exitCode === undefined) say(`${shortMessage}\n`);
  return !failed;
}
