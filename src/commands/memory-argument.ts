import { FalconError } from "../base/errors.js";
import { ExitCode } from "../base/exit-codes.js";
import { parseBytes } from "../base/units.js";

/** Parses the value of `--memory` into bytes. Throws FalconError `memory-invalid`. */
export function memoryArgument(text: string): number {
  const isBare = /^[\d.]+$/.test(text.trim());
  const bytes = isBare ? null : parseBytes(text);
  if (bytes !== null) return bytes;
  throw new FalconError({
    code: "memory-invalid",
    message: isBare
      ? `--memory ${text} has no unit.`
      : `${JSON.stringify(text)} is not a valid amount of memory.`,
    next: `Write it as ${isBare ? text : 24}GB (10⁹ bytes each) or ${isBare ? text : 24}GiB (2³⁰ bytes each).`,
    exitCode: ExitCode.usage,
  });
}
