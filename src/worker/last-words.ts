/**
 * Finds the cause in what a library prints before it ends the process itself, instead of raising an error that Python can name.
 */
import type { ErrorBody, WorkerErrorCode } from "../protocol/messages.js";

/** The kernels of bitsandbytes print the first and exit with 1; an uncaught C++ exception prints the second and aborts. */
const LAST_WORDS = [/^Error .+ at line \d+ in file /, /^\s*what\(\):\s+/] as const;

/** A C++ exception may be about anything; it concerns the device only if it says so. */
const DEVICE = /^Error |\b(CUDA|HIP|XPU|CUBLAS|CUDNN)/;
const MEANINGS: readonly (readonly [RegExp, WorkerErrorCode])[] = [
  [/out of memory|ALLOC_FAILED/i, "out-of-memory-device"],
  [/busy or unavailable/i, "device-busy"],
  [/no kernel image|invalid device function/i, "device-unsupported"],
  [/illegal|misaligned|device-side assert|launch failure|launch timed out/i, "device-fault"],
  [/ECC error|capable device|is lost/i, "device-lost"],
];

/**
 * Gives the end of a trial process an exact code, found in its last words. `stderr`: the worker's lines since the request began,
 * newest last. Returns `body` unchanged if they say nothing, or if the process did not end itself.
 */
export function nameByLastWords(body: ErrorBody, stderr: readonly string[]): ErrorBody {
  const endedItself = body.exit_code === 1 || body.signal === "SIGABRT";
  if (body.code !== "trial-process-died" || !endedItself) return body;
  const words = stderr.findLast((line) => LAST_WORDS.some((pattern) => pattern.test(line)));
  const code = words === undefined ? null : findCode(words);
  return code === null ? body : { ...body, code, message: `${body.message} It had said: ${words?.trim()}` };
}

function findCode(words: string): WorkerErrorCode | null {
  if (words.includes("std::bad_alloc")) return "out-of-memory-host";
  if (!DEVICE.test(words)) return null;
  return MEANINGS.find(([pattern]) => pattern.test(words))?.[1] ?? null;
}
