/**
 * Measures the whole sweep as a user sees it: `falcon-exp run experiments/quant.yaml` and the hand-written script, at the same
 * time in alternating slices.
 */
import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { systemClock } from "../../src/base/clock.js";
import { computeOthersCpus, readMachineUse } from "./disturbance.js";
import { Freezer } from "./freezer.js";
import { ProcessTree } from "./process-tree.js";
import { computeActiveSec, runInSlices, type Work } from "./slices.js";
import { computeRatioInterval, type RatioInterval } from "./statistics.js";
import { readProductGenerates, readScriptGenerates, sumActiveSec } from "./sweep-generates.js";
import { combineSweeps, type SweepParts } from "./sweep-parts.js";

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const cli = here("../../bin/falcon-exp.js");
const script = here("../article_script.py");

/** How often the processes of a sweep are looked at; what a process uses between the last look and its end is not seen. */
const LOOK_MS = 100;

export interface SweepOptions {
  readonly python: string;
  readonly modelPath: string;
  readonly experimentFile: string;
  /** The task of article_script.py, as JSON. */
  readonly scriptPlan: string;
  /** The arguments of `falcon-exp run` besides the experiment. */
  readonly runArguments: readonly string[];
  readonly rounds: number;
  readonly mostRounds: number;
  readonly resolution: number;
  /** Ratios of generates measured in pairs, by configuration; null if they were not measured. */
  readonly generates: Readonly<Record<string, RatioInterval | null>>;
  readonly sliceMs: number;
  readonly quietCpus: number;
  readonly onLine: (line: string) => void;
}

export interface SweepRound extends SweepParts {
  readonly productFirst: boolean;
  readonly othersCpus: number | null;
  readonly isDisturbed: boolean;
}

/** Measures rounds and returns them in that order, including disturbed ones. The programs swap places each time (A B B A). */
export async function measureSweeps(options: SweepOptions): Promise<SweepRound[]> {
  const rounds: SweepRound[] = [];
  while (rounds.length < options.mostRounds) {
    const interval = computeSweepInterval(rounds, options.generates);
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

/** The interval over the undisturbed rounds; from their plain ratios if generates were not measured in pairs. */
export function computeSweepInterval(
  rounds: readonly SweepRound[],
  generates: Readonly<Record<string, RatioInterval | null>>,
): RatioInterval | null {
  const quiet = rounds.filter(({ isDisturbed }) => !isDisturbed);
  return (
    combineSweeps(quiet, generates) ??
    computeRatioInterval(quiet.map(({ productSec, scriptSec }) => [Math.log(productSec / scriptSec)]))
  );
}

async function measureRound(productFirst: boolean, options: SweepOptions): Promise<SweepRound> {
  const results = mkdtempSync(join(tmpdir(), "falcon-exp-bench-"));
  const { python, modelPath, scriptPlan, experimentFile, runArguments, sliceMs, quietCpus } = options;
  const product = new Program(process.execPath, [
    ...[cli, "run", experimentFile, "--results", results, "--json", ...runArguments],
  ]);
  const plain = new Program(python, [script, "--model", modelPath, "--plan", scriptPlan]);
  try {
    const before = readMachineUse([process.pid]);
    const timed = productFirst
      ? await runInSlices(product, plain, sliceMs)
      : (await runInSlices(plain, product, sliceMs)).reverse();
    const after = readMachineUse([process.pid]);
    const ownSec = product.cpuSec + plain.cpuSec;
    const othersCpus = computeOthersCpus(
      before,
      after === null ? null : { ...after, ownSec: after.ownSec + ownSec },
    );
    const [productSec = 0, scriptSec = 0] = timed.map(({ result, windows }) =>
      computeActiveSec(windows, 0, result),
    );
    const [ofProduct = [], ofScript = []] = timed.map(({ windows }) => windows);
    return {
      productFirst,
      productSec,
      scriptSec,
      productGeneratesSec: sumActiveSec(readProductGenerates(results), ofProduct),
      scriptGeneratesSec: sumActiveSec(readScriptGenerates(plain.stdout), ofScript),
      othersCpus,
      isDisturbed: othersCpus !== null && othersCpus > quietCpus,
    };
  } finally {
    await product.close();
    await plain.close();
    rmSync(results, { recursive: true, force: true });
  }
}

/** A program from its start to its end, in a control group of its own. */
class Program implements Work<number> {
  private readonly freezer = Freezer.open(`falcon-exp-bench-${randomUUID()}`);
  private tree: ProcessTree | null = null;
  stdout = "";

  constructor(
    private readonly file: string,
    private readonly args: readonly string[],
  ) {}

  /** CPU seconds of all its processes, including ended ones. */
  get cpuSec(): number {
    return this.tree?.cpuSec ?? 0;
  }

  /** Resolves to the time when it ended, in seconds of CLOCK_MONOTONIC. Throws Error if it fails. */
  async start(): Promise<number> {
    const [file, args] = this.freezer.wrap(this.file, this.args);
    const child = spawn(file, args, { stdio: ["ignore", "pipe", "pipe"] });
    child.stdout.on("data", (chunk: Buffer) => {
      this.stdout += chunk.toString("utf8");
    });
    let stderr = "";
    child.stderr.on("data", (chunk: Buffer) => {
      stderr = (stderr + chunk.toString("utf8")).slice(-2000);
    });
    this.tree = new ProcessTree(child.pid ?? 0);
    const timer = setInterval(() => this.tree?.look(), LOOK_MS);
    const [code] = (await once(child, "close").finally(() => clearInterval(timer))) as [number | null];
    const endedSec = systemClock.monotonicSec();
    if (code !== 0) throw new Error(`${this.file} ${this.args.join(" ")} ended with ${code}:\n${stderr}`);
    return endedSec;
  }

  rest(): void {
    this.freezer.rest();
  }

  wake(): void {
    this.freezer.wake();
  }

  close(): Promise<void> {
    return this.freezer.close();
  }
}
