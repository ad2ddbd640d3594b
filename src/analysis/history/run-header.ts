/** Reads the first line of `records.jsonl` of many runs of one experiment. */
import { z } from "zod";
import { openRecordLine, parseRecords } from "../../run/reader.js";
import type { RunRecord } from "../../run/record-types.js";
import type { SmallFiles } from "../../run/small-files.js";

/** Most first lines are shorter. */
const FIRST_READ_BYTES = 16_384;
/** The first line contains the prompts and may be long; beyond this length it is cheaper to read all of the records. */
const LONGEST_HEADER_BYTES = 4_194_304;

const own = z.object({ run_id: z.string(), at: z.iso.datetime() });

/**
 * Runs of one experiment mostly have the same plan, and checking it against the schema takes longer than reading it. So a line
 * that differs from the one checked last only in the run's id and time is not checked again, and shares its objects.
 */
export class RunHeaderReader {
  constructor(private readonly files: SmallFiles) {}

  #last: { readonly text: string; readonly run: RunRecord } | null = null;

  /**
   * Returns the run record. Null if there is none. Throws FalconError `results-schema-newer`, and whatever opening the file
   * throws.
   */
  async read(path: string): Promise<RunRecord | null> {
    const line = await firstLine(path, this.files);
    if (line === null) return null;
    const value = openRecordLine(line);
    const ids = own.safeParse(value);
    if (!ids.success) return null;
    const { run_id, at } = ids.data;
    const text = JSON.stringify({ ...(value as object), run_id: "", at: "" });
    if (text === this.#last?.text) return { ...this.#last.run, run_id, at };
    const [first] = parseRecords(line, path).records;
    if (first?.kind !== "run") return null;
    this.#last = { text, run: first };
    return first;
  }
}

/** The first line, without its newline. Null if the file has no complete line, or its first line is too long. */
async function firstLine(path: string, files: SmallFiles): Promise<Buffer | null> {
  for (let bytes = FIRST_READ_BYTES; bytes <= LONGEST_HEADER_BYTES; bytes *= 4) {
    const start = await files.part(path, "start", bytes);
    const newline = start.indexOf(0x0a);
    if (newline !== -1) return start.subarray(0, newline);
    if (start.length < bytes) return null;
  }
  return null;
}
