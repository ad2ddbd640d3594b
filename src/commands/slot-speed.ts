/** Hidden command: prints how fast this process reads memory for a second, in bytes per second; alone or beside others. */
import { ExitCode } from "../base/exit-codes.js";
import type { CommandIo } from "./io.js";

/** More than any cache holds. */
const BYTES = 128 * 1024 * 1024;
const SECONDS = 1;

export async function run(io: CommandIo): Promise<number> {
  const values = new Float64Array(BYTES / 8).fill(1);
  const started = io.clock.monotonicSec();
  let passes = 0;
  let sum = 0;
  while (io.clock.monotonicSec() - started < SECONDS) {
    for (let at = 0; at < values.length; at++) sum += values[at] ?? 0;
    passes++;
  }
  const rate = (passes * BYTES) / (io.clock.monotonicSec() - started);
  io.stdout.write(`${sum > 0 ? Math.round(rate) : 0}\n`);
  return ExitCode.ok;
}
