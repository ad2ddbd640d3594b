import { writeWholeFile } from "../base/io.js";
import { writeFailed } from "./writer.js";

/** Writes a file of a results folder whole or not at all. Throws FalconError `results-write-failed`. */
export async function writeResultFile(path: string, content: string | Uint8Array): Promise<void> {
  try {
    await writeWholeFile(path, content);
  } catch (cause) {
    throw writeFailed(path, cause);
  }
}
