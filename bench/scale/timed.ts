/** Runs programs, and measures how long each took and how much memory it held at most. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const CLI = here("../../bin/falcon-exp.js");

export interface Timed {
  readonly sec: number;
  readonly peakBytes: number;
}

/** Times a command of falcon-exp, including the start of the program. Throws if it fails. */
export function timeCommand(...args: readonly string[]): Timed {
  return timeProgram([CLI, ...args]);
}

/** Times a program in this folder. Throws if it fails. */
export function timeScript(name: string, ...args: readonly string[]): Timed {
  return timeProgram(["--import", "tsx", here(name), ...args]);
}

function timeProgram(args: readonly string[]): Timed {
  const scratch = mkdtempSync(join(tmpdir(), "falcon-exp-bench-"));
  try {
    const peak = join(scratch, "peak");
    const started = process.hrtime.bigint();
    const { status, stderr } = spawnSync(process.execPath, ["--import", here("peak.mjs"), ...args], {
      stdio: ["ignore", "ignore", "pipe"],
      env: { ...process.env, BENCH_PEAK_FILE: peak },
      encoding: "utf8",
    });
    const sec = Number(process.hrtime.bigint() - started) / 1e9;
    if (status !== 0) throw new Error(`${args.join(" ")} ended with ${status}: ${stderr.slice(-2000)}`);
    return { sec, peakBytes: Number(readFileSync(peak, "utf8")) * 1024 };
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}
