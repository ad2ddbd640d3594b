/**
 * Verdicts under real load, on a machine that nobody else uses (hours): `npx tsx bench/load-generators.ts [runs]`, after
 * `npm run build`. Runs an experiment of two configurations that are the same in effect, while processes that spin are started and
 * stopped at moments drawn from a seed, and counts how often a difference in time was claimed. At most 5 of 100 may be.
 */

import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { uniformInt } from "pure-rand/distribution/uniformInt";
import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";
import type { RunSummary } from "../src/run/summary-schema.js";

const bin = fileURLToPath(new URL("../bin/falcon-exp.js", import.meta.url));
const EXPERIMENT = `name: same
model: smollm2-135m-instruct
prompts: [What is the capital of France?, Why is the sky blue?, Name three birds.]
generation: { max_new_tokens: 24, min_new_tokens: 24 }
matrix: { quantization: [{ type: nf4 }, { type: nf4, skip_modules: [lm_head] }] }
repeats: 4
`;
/** Between a generator's start and end, and its end and the next start, in seconds. */
const [SHORTEST_SEC, LONGEST_SEC] = [2, 20];

const random = xoroshiro128plus(20_261_129);
const pauseMs = () => uniformInt(random, SHORTEST_SEC * 1000, LONGEST_SEC * 1000);

/** Spins on a number of cores drawn anew each time, until `stop`; ends only what it has started. */
function disturb(): { readonly stop: () => void } {
  let spinning: ChildProcess[] = [];
  let timer: NodeJS.Timeout;
  const turn = () => {
    if (spinning.length > 0) end();
    else {
      const cores = uniformInt(random, 1, availableParallelism());
      spinning = Array.from({ length: cores }, () => spawn(process.execPath, ["-e", "for (;;);"]));
    }
    timer = setTimeout(turn, pauseMs());
  };
  const end = () => {
    for (const one of spinning) one.kill("SIGKILL");
    spinning = [];
  };
  timer = setTimeout(turn, pauseMs());
  return {
    stop: () => {
      clearTimeout(timer);
      end();
    },
  };
}

async function measureOnce(folder: string): Promise<RunSummary> {
  const args = [bin, "run", join(folder, "same.yaml"), "--results", join(folder, "results")];
  const child = spawn(process.execPath, args, { stdio: "ignore" });
  await new Promise((resolve) => child.once("exit", resolve));
  const runs = join(folder, "results", "same");
  const newest = readdirSync(runs).sort().at(-1) ?? "";
  return JSON.parse(readFileSync(join(runs, newest, "summary.json"), "utf8")) as RunSummary;
}

const count = Number(process.argv[2] ?? 100);
const folder = mkdtempSync(join(tmpdir(), "load-generators-"));
writeFileSync(join(folder, "same.yaml"), EXPERIMENT);
const verdicts = new Map<string, number>();
for (let run = 1; run <= count; run++) {
  const load = disturb();
  const summary = await measureOnce(folder).finally(() => load.stop());
  const verdict = summary.configurations[1]?.against_reference?.time?.verdict ?? "none";
  verdicts.set(verdict, (verdicts.get(verdict) ?? 0) + 1);
  const told = [...verdicts].map(([what, times]) => `${what} ${times}`).join(", ");
  process.stdout.write(`run ${run} of ${count}: ${verdict} (so far ${told})\n`);
}
