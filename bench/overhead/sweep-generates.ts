/** When the generates of a sweep ran, including warm-ups, as both programs report it. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { systemClock } from "../../src/base/clock.js";
import { computeActiveSec, type Window } from "./slices.js";

export interface TimedGenerate {
  readonly configuration: string;
  /** In seconds of CLOCK_MONOTONIC. */
  readonly window: Window;
}

/** Reads the generates from the output of article_script.py. */
export function readScriptGenerates(stdout: string): TimedGenerate[] {
  const { trials } = JSON.parse(stdout) as {
    trials: readonly { quantization: string; ended_sec: number; elapsed_sec: number }[];
  };
  return trials.map(({ quantization, ended_sec, elapsed_sec }) => ({
    configuration: quantization,
    window: [ended_sec - elapsed_sec, ended_sec],
  }));
}

/** Reads the generates from the records of the only run under `results`, written within milliseconds of a generate's end. */
export function readProductGenerates(results: string): TimedGenerate[] {
  const [experiment = ""] = readdirSync(results);
  const [run = ""] = readdirSync(join(results, experiment)).filter((name) => /^\d/.test(name));
  const offsetSec = systemClock.now().getTime() / 1000 - systemClock.monotonicSec();
  return readFileSync(join(results, experiment, run, "records.jsonl"), "utf8")
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as Record<string, unknown>)
    .filter(({ kind }) => kind === "warmup" || kind === "trial")
    .map(({ at, configuration_id, measurement }) => {
      const endedSec = Date.parse(String(at)) / 1000 - offsetSec;
      const { elapsed_sec } = measurement as { elapsed_sec: number };
      return { configuration: String(configuration_id), window: [endedSec - elapsed_sec, endedSec] };
    });
}

/** How long they ran, by configuration, in a program that ran only during `windows`. */
export function sumActiveSec(
  generates: readonly TimedGenerate[],
  windows: readonly Window[],
): Record<string, number> {
  const sums: Record<string, number> = {};
  for (const { configuration, window } of generates) {
    sums[configuration] = (sums[configuration] ?? 0) + computeActiveSec(windows, ...window);
  }
  return sums;
}
