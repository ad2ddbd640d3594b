import { constants } from "node:os";
import { setTimeout as delay } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { execa } from "execa";
import type { Log } from "../base/log.js";
import { LineTail } from "./line-tail.js";

/** Lines of stderr kept for a failure record. */
const STDERR_TAIL_LINES = 40;
/** The most characters of worker output that are written to the log; what comes after them is dropped, with a warning. */
const MAX_LOGGED_CHARACTERS = 5_000_000;

export interface WorkerCommand {
  readonly pythonPath: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** Never the user's folder: a `torch.py` there must not be imported. */
  readonly cwd: string;
  /** Written to the process's stdin, which then stays open. */
  readonly firstInput?: string;
}

export interface WorkerExit {
  readonly exitCode: number | null;
  readonly signal: string | null;
}

export interface WorkerProcess {
  readonly pid: number | null;
  /** Resolves when the process is gone; never rejects. */
  readonly exited: Promise<WorkerExit>;
  /** Returns the last lines of stderr, but none of its first `since` lines. */
  stderrTail(since?: number): string[];
  /** Returns the number of lines on stderr so far. */
  countStderrLines(): number;
  /** Signals the whole process group; returns false if it is already gone. */
  signalGroup(signal: "SIGTERM" | "SIGKILL"): boolean;
}

/**
 * Starts the supervisor as the leader of a process group of its own, so that Ctrl-C at the terminal reaches only the controller,
 * and one signal ends everything below the supervisor. Its stdin stays open as long as the controller lives: end of file tells
 * the worker that the controller is gone, even if it was killed by SIGKILL.
 */
export function spawnWorker(command: WorkerCommand, log: Log): WorkerProcess {
  keepStillWhenIdle();
  let logged = 0;
  const toLog = (stream: string) => (line: string) => {
    if (logged > MAX_LOGGED_CHARACTERS) return;
    logged += line.length;
    log.write("debug", "worker-output", { stream, line });
    if (logged > MAX_LOGGED_CHARACTERS)
      log.write("warning", "worker-output-truncated", { characters: logged });
  };
  const child = execa(command.pythonPath, [...command.args], {
    detached: true,
    cleanup: false,
    buffer: false,
    reject: false,
    stdin: "pipe",
    stdout: "pipe",
    stderr: "pipe",
    env: { ...command.env },
    cwd: command.cwd,
  });
  const stderr = new LineTail(STDERR_TAIL_LINES, toLog("stderr"));
  const stdout = new LineTail(1, toLog("stdout"));
  child.stderr?.on("data", (chunk: Buffer) => stderr.push(chunk));
  child.stdout?.on("data", (chunk: Buffer) => stdout.push(chunk));
  child.stdin?.on("error", () => {});
  if (command.firstInput !== undefined) child.stdin?.write(command.firstInput);
  const pid = child.pid ?? null;
  return {
    pid,
    // `exit` rather than `close`: a grandchild that keeps a pipe open must not hide the death of the supervisor.
    exited: new Promise((resolve) => {
      child.once("exit", (exitCode, signal) => resolve({ exitCode, signal }));
      child.once("error", () => resolve({ exitCode: null, signal: null }));
      void child.then((result) => {
        if (pid === null) resolve({ exitCode: result.exitCode ?? null, signal: result.signal ?? null });
      });
    }),
    stderrTail: (since) => stderr.last(since),
    countStderrLines: () => stderr.count,
    signalGroup: (signal) => {
      if (pid === null) return false;
      try {
        process.kill(-pid, signal);
        return true;
      } catch {
        return false;
      }
    },
  };
}

/**
 * Keeps V8 from collecting garbage because this process is idle: that happens in the middle of a trial, on several threads, and
 * takes up to a tenth of a second from the cores that the trial computes with. Garbage is still collected when memory is needed.
 * `--no-memory-reducer` would say it more directly, but Node 20 obeys that only on its command line.
 */
function keepStillWhenIdle(): void {
  setFlagsFromString("--no-incremental-marking");
}

/** `exit code 3`, `killed by SIGKILL`, or `exit code 137: SIGKILL, as a shell in between reports it`. */
export function exitText({ exitCode, signal }: WorkerExit): string {
  if (signal !== null) return `killed by ${signal}`;
  const number = (exitCode ?? 0) - 128;
  const [name] = Object.entries(constants.signals).find(([, value]) => value === number) ?? [];
  const reported = name === undefined ? "" : `, which is how a shell in between reports ${name}`;
  return `exit code ${exitCode ?? "unknown"}${reported}`;
}

/** Whether the process is gone within `seconds`. */
export async function exitsWithin(child: WorkerProcess, seconds: number): Promise<boolean> {
  const timer = new AbortController();
  const timedOut = delay(seconds * 1000, false, { signal: timer.signal }).catch(() => false);
  const exited = child.exited.then(() => true);
  const result = await Promise.race([exited, timedOut]);
  timer.abort();
  return result;
}
