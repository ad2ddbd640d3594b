/** Runs programs, and tells how long each took and how much memory it held at most. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const CLI = here("../../bin/falcon-exp.js");

export interface Timed {
  readonly sec: number;
  readonly peakBytes: number;
  /** The last line that it printed. */
  readonly said: string;
}

/** A command of falcon-exp, the start of the program included. Throws where it fails. */
export function timeCommand(...args: readonly string[]): Timed {
  return timeProgram([CLI, ...args]);
}

/** A program of this folder. */
export function timeScript(name: string, ...args: readonly string[]): Timed {
  return timeProgram(["--import", "tsx", here(name), ...args]);
}

function timeProgram(args: readonly string[]): Timed {
  const scratch = mkdtempSync(join(tmpdir(), "falcon-exp-bench-"));
  try {
    const [peak, out] = [join(scratch, "peak"), join(scratch, "out")];
    const started = process.hrtime.bigint();
    const { status, stderr } = spawnSync(process.execPath, ["--import", here("peak.mjs"), ...args], {
      // To a file: what is printed may be larger than what a pipe's reader takes.
      stdio: ["ignore", openSync(out, "w"), "pipe"],
      env: { ...process.env, BENCH_PEAK_FILE: peak },
      encoding: "utf8",
    });
    const sec = Number(process.hrtime.bigint() - started) / 1e9;
    if (status !== 0) throw new Error(`${args.join(" ")} ended with ${status}: ${stderr.slice(-2000)}`);
    const said = readFileSync(out, "utf8").trimEnd().split("\n").at(-1) ?? "";
    return { sec, peakBytes: Number(readFileSync(peak, "utf8")) * 1024, said };
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}
