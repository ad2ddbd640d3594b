/** The plain loop as a side of the comparison: bench/plain_loop.py, a process that uses nothing of falcon-exp. */
import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { LARGE_PAGES } from "./large-pages.js";
import type { Answer, Side } from "./pairs.js";
import { restGroup, wakeGroup, watchTurn } from "./resting.js";

const program = fileURLToPath(new URL("../plain_loop.py", import.meta.url));
const STDERR_CHARACTERS = 2000;

export interface PlainOptions {
  readonly python: string;
  readonly modelPath: string;
  readonly quantization: string;
  readonly newTokens: number;
}

/** One process that loads one model and then generates whenever it is asked to. */
export class PlainSide implements Side {
  readonly name = "plain";
  readonly pid: number;
  /** The number of threads with which torch computes. */
  threads = 0;
  private readonly lines: AsyncIterator<string>;
  private stderr = "";

  private constructor(
    private readonly options: PlainOptions,
    private readonly child: ChildProcessWithoutNullStreams,
  ) {
    if (child.pid === undefined) throw new Error("a process that was spawned has no number");
    this.pid = child.pid;
    this.lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    child.stderr.on("data", (chunk: Buffer) => {
      this.stderr = (this.stderr + chunk.toString("utf8")).slice(-STDERR_CHARACTERS);
    });
  }

  /** Starts the process. When this resolves, its libraries are imported and no model is loaded yet. */
  static async open(options: PlainOptions): Promise<PlainSide> {
    const { PYTHONPATH: _, ...env } = process.env;
    const child = spawn(options.python, [program, "--model", options.modelPath], {
      // A process group of its own, so that it can be stopped as a whole.
      detached: true,
      stdio: ["pipe", "pipe", "pipe"],
      env: { ...env, ...LARGE_PAGES },
    });
    await once(child, "spawn");
    const side = new PlainSide(options, child);
    const { threads } = (await side.read("start")) as { threads: number };
    side.threads = threads;
    return side;
  }

  get pids(): readonly number[] {
    return [this.pid];
  }

  async load(): Promise<void> {
    await this.ask({ do: "load", quantization: this.options.quantization });
  }

  rest(): void {
    restGroup(this.pid);
  }

  wake(): void {
    wakeGroup(this.pid);
  }

  generate(prompt: string): Promise<Answer> {
    return watchTurn(this.pid, [], async () => {
      const answer = await this.ask({ do: "generate", prompt, new_tokens: this.options.newTokens });
      return {
        startedSec: answer.started_sec as number,
        endedSec: answer.ended_sec as number,
        text: answer.text as string,
      };
    });
  }

  /** Ends the process; resolves when it is gone. */
  async end(): Promise<void> {
    const ended = once(this.child, "exit");
    if (this.child.exitCode === null && this.child.signalCode === null) {
      process.kill(-this.pid, "SIGKILL");
      await ended;
    }
  }

  private async ask(command: Readonly<Record<string, unknown>>): Promise<Record<string, unknown>> {
    this.child.stdin.write(`${JSON.stringify(command)}\n`);
    return this.read(String(command.do));
  }

  private async read(doing: string): Promise<Record<string, unknown>> {
    const { value, done } = await this.lines.next();
    if (done) throw new Error(`the plain loop ended in ${doing}:\n${this.stderr}`);
    return JSON.parse(value) as Record<string, unknown>;
  }
}
