/** Makes one run of many configurations, kills its processes at random, and resumes it until everything is measured. */
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { uniformInt } from "pure-rand/distribution/uniformInt";
import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";
import { listChildren } from "../test/fixtures/descendants.js";
import { MARKER, processesOfGroup, processesWith } from "../test/fixtures/processes.js";

const cli = fileURLToPath(new URL("../bin/falcon-exp.js", import.meta.url));

export type Target = "trial" | "supervisor" | "controller";

export interface SoakOptions {
  /** An empty folder, in which everything of the soak is kept. */
  readonly folder: string;
  readonly python: string;
  readonly configurations: number;
  /** How often each target is chosen, relative to the sum of all weights; 0 is never. */
  readonly weights: Readonly<Record<Target, number>>;
  /** The number of seconds after which a kill comes, at random between the two. */
  readonly killAfterSec: readonly [least: number, most: number];
  readonly seed: number;
  readonly onLine?: (line: string) => void;
}

export interface SoakResult {
  readonly elapsedSec: number;
  readonly kills: Readonly<Record<Target, number>>;
  readonly controllersStarted: number;
  readonly trialsPlanned: number;
  /** How many trials are recorded as completed: exactly once, never, and more than once. */
  readonly trialsOnce: number;
  readonly trialsMissing: number;
  readonly trialsTwice: number;
  /** For the longest-lived controller: its memory after a fifth of its life, and at the end. */
  readonly rssStartBytes: number;
  readonly rssEndBytes: number;
  readonly descriptorsStart: number;
  readonly descriptorsEnd: number;
  readonly processesLeft: number;
  readonly temporaryFilesLeft: readonly string[];
}

const SAMPLE_MS = 500;
/** Two prompts each, so that a kill can come between them. */
const TRIALS_EACH = 2;

/** Runs a soak. Throws Error if the run does not finish within `10 + configurations` controllers. */
export async function soak(options: SoakOptions): Promise<SoakResult> {
  return new Soak(options).run();
}

interface Sample {
  readonly rssBytes: number;
  readonly descriptors: number;
}

class Soak {
  private readonly random;
  private readonly marker = `soak-${process.pid}-${Date.now()}`;
  private readonly temporary: string;
  private readonly kills = { trial: 0, supervisor: 0, controller: 0 };
  private samples: Sample[] = [];
  /** Samples of the longest-lived controller. */
  private longest: readonly Sample[] = [];

  constructor(private readonly options: SoakOptions) {
    this.random = xoroshiro128plus(options.seed);
    this.temporary = join(options.folder, "tmp");
    mkdirSync(this.temporary);
    writeFileSync(join(options.folder, "soak.yaml"), writeExperiment(options.configurations));
  }

  async run(): Promise<SoakResult> {
    const started = process.hrtime.bigint();
    let controllers = 0;
    for (;;) {
      if (++controllers > 10 + this.options.configurations)
        throw new Error("the soak does not come to its end");
      const exitCode = await this.controller(
        controllers === 1 ? ["soak.yaml"] : ["--resume", "soak", "--retry-failed"],
      );
      this.options.onLine?.(
        `controller ${controllers} ended (${exitCode ?? "killed"}): ${this.trials().size} trials`,
      );
      if (exitCode === 0) break;
    }
    await this.until(() => processesWith(this.marker).length === 0, 10);
    const counts = [...this.trials().values()];
    const planned = this.options.configurations * TRIALS_EACH;
    const first = this.longest[Math.floor(this.longest.length / 5)];
    const last = this.longest.at(-1);
    return {
      elapsedSec: Number(process.hrtime.bigint() - started) / 1e9,
      kills: this.kills,
      controllersStarted: controllers,
      trialsPlanned: planned,
      trialsOnce: counts.filter((count) => count === 1).length,
      trialsMissing: planned - counts.length,
      trialsTwice: counts.filter((count) => count > 1).length,
      rssStartBytes: first?.rssBytes ?? 0,
      rssEndBytes: last?.rssBytes ?? 0,
      descriptorsStart: first?.descriptors ?? 0,
      descriptorsEnd: last?.descriptors ?? 0,
      processesLeft: processesWith(this.marker).length,
      // torch keeps a cache of its own there.
      temporaryFilesLeft: readdirSync(this.temporary).filter((name) => !name.startsWith("torchinductor")),
    };
  }

  /** Runs a controller until it ends or is killed. Returns its exit code; null if it was killed. */
  private async controller(args: readonly string[]): Promise<number | null> {
    const { folder, python } = this.options;
    const child = spawn(process.execPath, [cli, "run", ...args, "--python", python], {
      cwd: folder,
      env: { ...process.env, TMPDIR: this.temporary, [MARKER]: this.marker },
      stdio: ["ignore", "ignore", "pipe"],
    });
    let stderr = "";
    child.stderr.on("data", (chunk: Buffer) => {
      stderr = (stderr + chunk.toString()).slice(-4_000);
    });
    const ended = new Promise<number | null>((resolve) => child.once("exit", (code) => resolve(code)));
    const isOver = ended.then(() => "over" as const);
    this.samples = [];
    for (;;) {
      const outcome = await Promise.race([isOver, this.waitToKill(child)]);
      if (outcome === "over") break;
      this.kill(child);
    }
    const exitCode = await ended;
    if (this.samples.length > this.longest.length) this.longest = this.samples;
    if (exitCode !== null && ![0, 4, 5].includes(exitCode))
      throw new Error(`exit code ${exitCode}:\n${stderr}`);
    return exitCode;
  }

  private async waitToKill(child: ChildProcess): Promise<"kill"> {
    const [least, most] = this.options.killAfterSec;
    // A run that has recorded nothing cannot be resumed.
    while (this.recordsText() === "") {
      await delay(SAMPLE_MS);
      if (child.exitCode !== null || child.signalCode !== null) break;
    }
    const until = performance.now() + this.between(least * 1000, most * 1000);
    while (performance.now() < until) {
      await delay(SAMPLE_MS);
      this.sample(child.pid ?? 0);
    }
    return "kill";
  }

  private kill(child: ChildProcess): void {
    const target = this.chosen();
    const pid = this.findPid(target, child.pid ?? 0);
    if (pid === undefined) return;
    try {
      process.kill(pid, "SIGKILL");
      this.kills[target] += 1;
    } catch {
      // It has just ended by itself.
    }
  }

  private chosen(): Target {
    const { trial, supervisor, controller } = this.options.weights;
    const drawn = this.between(1, trial + supervisor + controller);
    if (drawn <= trial) return "trial";
    return drawn <= trial + supervisor ? "supervisor" : "controller";
  }

  private findPid(target: Target, controller: number): number | undefined {
    if (target === "controller") return controller;
    const supervisor = listChildren(controller).find((pid) => processesOfGroup(pid).includes(pid));
    if (supervisor === undefined || target === "supervisor") return supervisor;
    // The forkserver's children; the supervisor's other child, multiprocessing's tracker, has none.
    return listChildren(supervisor).flatMap(listChildren)[0];
  }

  private sample(pid: number): void {
    try {
      const [, kilobytes] = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, "utf8")) ?? [];
      const descriptors = readdirSync(`/proc/${pid}/fd`).length;
      if (kilobytes === undefined || this.isReporting()) return;
      this.samples.push({ rssBytes: Number(kilobytes) * 1024, descriptors });
    } catch {
      // It has just ended.
    }
  }

  /** Whether everything is measured and charts are drawn; the memory for that is not memory that a run holds. */
  private isReporting(): boolean {
    return this.recordsText().slice(-1_000).includes('"kind":"run_end"');
  }

  /** How often each completed trial was recorded. */
  private trials(): ReadonlyMap<string, number> {
    const counts = new Map<string, number>();
    for (const line of this.recordsText().split("\n")) {
      const record = parseRecord(line);
      if (record?.kind !== "trial" || record.status !== "completed") continue;
      counts.set(record.trial_id, (counts.get(record.trial_id) ?? 0) + 1);
    }
    return counts;
  }

  private recordsText(): string {
    const results = join(this.options.folder, "results", "soak");
    const [run] = existsSync(results) ? readdirSync(results) : [];
    const file = join(results, run ?? "", "records.jsonl");
    return run !== undefined && existsSync(file) ? readFileSync(file, "utf8") : "";
  }

  private async until(holds: () => boolean, limitSec: number): Promise<void> {
    const end = performance.now() + limitSec * 1000;
    while (!holds() && performance.now() < end) await delay(50);
  }

  private between(least: number, most: number): number {
    return uniformInt(this.random, Math.round(least), Math.round(most));
  }
}

/** Null if a kill cut the line off. */
function parseRecord(line: string): { kind: string; status: string; trial_id: string } | null {
  try {
    return JSON.parse(line);
  } catch {
    return null;
  }
}

function writeExperiment(configurations: number): string {
  const seeds = Array.from({ length: configurations / 2 }, (_, index) => index);
  return `name: soak
model:
  config:
    { model_type: falcon, new_decoder_architecture: true, vocab_size: 384, hidden_size: 64, num_hidden_layers: 1,
      num_attention_heads: 4, num_kv_heads: 2, max_position_embeddings: 128, bos_token_id: 1, eos_token_id: 1 }
  weights: random
  tokenizer: bytes
prompts: [one, two]
generation: { max_new_tokens: 4, sampling: { temperature: 1 } }
matrix: { quantization: [none, fp4], seed: [${seeds.join(", ")}] }
warmup: 0
retries: 10
timeouts: { heartbeat_sec: 60, load_sec: 120 }
`;
}
