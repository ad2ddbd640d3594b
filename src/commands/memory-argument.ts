import { FalconError } from "../base/errors.js";
import { ExitCode } from "../base/exit-codes.js";
import { parseBytes } from "../base/units.js";

/** Bytes of a `--memory`. Throws FalconError `memory-invalid`. */
export function memoryArgument(text: string): number {
  const bytes = parseBytes(text);
  if (bytes !== null) return bytes;
  throw new FalconError({
    code: "memory-invalid",
    message: `${JSON.stringify(text)} is no amount of memory.`,
    next: "Write it as 24GB (24e9 bytes) or 24GiB (24 × 2³⁰ bytes).",
    exitCode: ExitCode.usage,
  });
}
