import { FalconError } from "../base/errors.js";
import { writeWholeFile, writeWholeFileOf } from "../base/io.js";
import { writeFailed } from "./writer.js";

/** Writes a file of a results folder whole or not at all. Throws FalconError `results-write-failed`. */
export async function writeResultFile(path: string, content: string | Uint8Array): Promise<void> {
  try {
    await writeWholeFile(path, content);
  } catch (cause) {
    throw writeFailed(path, cause);
  }
}

/** Does the same with content that need not fit into memory. Also throws what producing the pieces throws. */
export async function writeResultPieces(
  path: string,
  pieces: Iterable<string | Uint8Array> | AsyncIterable<string | Uint8Array>,
): Promise<void> {
  try {
    await writeWholeFileOf(path, pieces);
  } catch (cause) {
    throw cause instanceof FalconError ? cause : writeFailed(path, cause);
  }
}
