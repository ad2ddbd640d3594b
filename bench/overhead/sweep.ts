/** The whole sweep as a user sees it: `falcon-exp run experiments/quant.yaml` and the hand-written script, in turn. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { systemClock } from "../../src/base/clock.js";
import { computeOthersCpus, readMachineUse } from "./disturbance.js";
import { ProcessTree } from "./process-tree.js";
import { computeRatioInterval, type RatioInterval } from "./statistics.js";

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const cli = here("../../bin/falcon-exp.js");
const script = here("../article_script.py");

/** How often the processes of a sweep are looked at: what one uses between the last look and its end is not seen. */
const LOOK_MS = 100;

export interface SweepOptions {
  readonly python: string;
  readonly modelPath: string;
  readonly experimentFile: string;
  /** What article_script.py is to do, as JSON. */
  readonly scriptPlan: string;
  /** Arguments that `falcon-exp run` gets besides the experiment. */
  readonly runArguments: readonly string[];
  readonly rounds: number;
  readonly mostRounds: number;
  readonly resolution: number;
  readonly quietCpus: number;
  readonly onLine: (line: string) => void;
}

export interface SweepRound {
  readonly productFirst: boolean;
  readonly productSec: number;
  readonly scriptSec: number;
  readonly othersCpus: number | null;
  readonly isDisturbed: boolean;
}

/** Rounds in the order in which they were made, disturbed ones included: the order turns around each time (A B B A). */
export async function measureSweeps(options: SweepOptions): Promise<SweepRound[]> {
  const rounds: SweepRound[] = [];
  while (rounds.length < options.mostRounds) {
    const interval = computeSweepInterval(rounds);
    const undisturbed = rounds.filter(({ isDisturbed }) => !isDisturbed).length;
    if (undisturbed >= options.rounds && interval !== null && interval.halfWidth <= options.resolution) break;
    const round = await measureRound(rounds.length % 2 === 1, options);
    rounds.push(round);
    const others = round.othersCpus === null ? "" : `, others ${round.othersCpus.toFixed(3)} CPUs`;
    const times = `script ${round.scriptSec.toFixed(2)} s, falcon-exp ${round.productSec.toFixed(2)} s`;
    options.onLine(`sweep ${rounds.length}: ${times}${others}${round.isDisturbed ? ", disturbed" : ""}`);
  }
  return rounds;
}

/** Over the rounds that nobody disturbed. */
export function computeSweepInterval(rounds: readonly SweepRound[]): RatioInterval | null {
  return computeRatioInterval(
    rounds
      .filter(({ isDisturbed }) => !isDisturbed)
      .map(({ productSec, scriptSec }) => [Math.log(productSec / scriptSec)]),
  );
}

interface Timed {
  readonly wallSec: number;
  readonly othersCpus: number | null;
}

async function measureRound(productFirst: boolean, options: SweepOptions): Promise<SweepRound> {
  const first = productFirst ? await runProduct(options) : await runScript(options);
  const second = productFirst ? await runScript(options) : await runProduct(options);
  const [product, plain] = productFirst ? [first, second] : [second, first];
  const others =
    product.othersCpus === null || plain.othersCpus === null
      ? null
      : Math.max(product.othersCpus, plain.othersCpus);
  const isDisturbed = others !== null && others > options.quietCpus;
  return {
    productFirst,
    productSec: product.wallSec,
    scriptSec: plain.wallSec,
    othersCpus: others,
    isDisturbed,
  };
}

function runScript({ python, modelPath, scriptPlan }: SweepOptions): Promise<Timed> {
  return timeProgram(python, [script, "--model", modelPath, "--plan", scriptPlan]);
}

async function runProduct({ experimentFile, runArguments }: SweepOptions): Promise<Timed> {
  const results = mkdtempSync(join(tmpdir(), "falcon-exp-bench-"));
  try {
    const args = [cli, "run", experimentFile, "--results", results, "--json", ...runArguments];
    return await timeProgram(process.execPath, args);
  } finally {
    rmSync(results, { recursive: true, force: true });
  }
}

/** Throws Error where the program fails. */
async function timeProgram(file: string, args: readonly string[]): Promise<Timed> {
  const before = readMachineUse([process.pid]);
  const startedSec = systemClock.monotonicSec();
  const child = spawn(file, [...args], { stdio: ["ignore", "ignore", "pipe"] });
  let stderr = "";
  child.stderr.on("data", (chunk: Buffer) => {
    stderr = (stderr + chunk.toString("utf8")).slice(-2000);
  });
  const tree = new ProcessTree(child.pid ?? 0);
  const timer = setInterval(() => tree.look(), LOOK_MS);
  const [code] = (await once(child, "exit").finally(() => clearInterval(timer))) as [number | null];
  const wallSec = systemClock.monotonicSec() - startedSec;
  const after = readMachineUse([process.pid]);
  if (code !== 0) throw new Error(`${file} ${args.join(" ")} ended with ${code}:\n${stderr}`);
  const own = after === null ? null : { ...after, ownSec: after.ownSec + tree.cpuSec };
  return { wallSec, othersCpus: computeOthersCpus(before, own) };
}
