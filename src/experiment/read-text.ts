import { createReadStream } from "node:fs";
import { FalconError } from "../base/errors.js";
import { ExitCode } from "../base/exit-codes.js";

/** Reads a whole file, or fails. It is passed in, so that tests can replace the file system. */
export type ReadFile = (path: string, maxBytes: number) => Promise<Uint8Array>;

/** Stops reading once a file exceeds `maxBytes`, because a device or a pipe may never end. */
export const readFileBounded: ReadFile = async (path, maxBytes) => {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of createReadStream(path)) {
    chunks.push(chunk as Buffer);
    size += (chunk as Buffer).byteLength;
    if (size > maxBytes) break;
  }
  return Buffer.concat(chunks);
};

const NUL_LOOK_BYTES = 1000;

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: "there is no such file",
  EISDIR: "it is a folder",
  EACCES: "reading it is not permitted",
  ENOTDIR: "a part of its path is not a folder",
  ENAMETOOLONG: "its path is too long",
};

/** Reads a text file of limited size, UTF-8 only, and removes a byte-order mark. Throws FalconError. */
export async function readText(
  path: string,
  options: { readonly readFile: ReadFile; readonly maxBytes: number; readonly what: string },
): Promise<string> {
  const { what, maxBytes } = options;
  const fail = (message: string, next: string, cause?: unknown) =>
    new FalconError({
      code: "experiment-file-unreadable",
      message,
      next,
      place: { source: path, line: null, column: null, text: null, length: 1 },
      exitCode: ExitCode.invalidExperiment,
      cause,
    });
  let bytes: Uint8Array;
  try {
    bytes = await options.readFile(path, maxBytes);
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    const reason = (code === undefined ? undefined : REASONS[code]) ?? message;
    // For the experiment file itself, the error's place already shows the path.
    const named = what === "experiment file" ? what : `${what} ${path}`;
    throw fail(`The ${named} cannot be read: ${reason}.`, "Check the path.", cause);
  }
  if (bytes.byteLength > maxBytes) {
    const limit = `${Math.floor(maxBytes / 1024)} KiB`;
    throw fail(`The ${what} is larger than ${limit}.`, "Check that it is the right file.");
  }
  const [first, second] = bytes;
  if ((first === 0xff && second === 0xfe) || (first === 0xfe && second === 0xff)) {
    throw fail(`The ${what} is UTF-16, not UTF-8.`, "Save it as UTF-8.");
  }
  // UTF-16 without a byte-order mark: in most such texts, every second byte is 0.
  if (bytes.subarray(0, NUL_LOOK_BYTES).includes(0)) {
    throw fail(`The ${what} holds zero bytes: it is not text, or it is UTF-16.`, "Save it as UTF-8.");
  }
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (cause) {
    const line = firstInvalidLine(bytes);
    throw fail(
      `The ${what} is not UTF-8: line ${line} holds bytes that are not text.`,
      "Save it as UTF-8.",
      cause,
    );
  }
}

function firstInvalidLine(bytes: Uint8Array): number {
  let line = 1;
  let start = 0;
  for (let at = 0; at <= bytes.byteLength; at++) {
    if (at < bytes.byteLength && bytes[at] !== 0x0a) continue;
    try {
      new TextDecoder("utf-8", { fatal: true }).decode(bytes.subarray(start, at));
    } catch {
      return line;
    }
    line += 1;
    start = at + 1;
  }
  return line;
}
