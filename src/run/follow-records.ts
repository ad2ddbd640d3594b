/** Reads `records.jsonl` as it grows. */
import { constants, watch } from "node:fs";
import { open } from "node:fs/promises";
import type { RunPaths } from "./paths.js";
import { parseRecords } from "./reader.js";
import type { RunFileRecord } from "./record-types.js";

/** `ended`: the run's end is recorded; `writer-gone`: the run was killed; `removed`: the file is gone or was replaced. */
export type FollowEnd = "ended" | "writer-gone" | "removed";

export type Followed =
  | {
      readonly type: "records";
      readonly records: readonly RunFileRecord[];
      /** Number of lines that could not be used. */
      readonly damaged: number;
    }
  | { readonly type: "end"; readonly why: FollowEnd };

export interface FollowOptions {
  /** Whether a process is writing to the run. */
  readonly isWritten: () => Promise<boolean>;
  /** Stops following, without yielding an `end`. */
  readonly signal: AbortSignal;
  /** Interval at which the file is looked at, for systems that do not report that a file changed (network drives). */
  readonly pollMs?: number;
}

const POLL_MS = 1000;
const NEWLINE = 0x0a;

/**
 * Yields all records so far, then each new one soon after it is written; an incomplete line is waited for. Finishes with an
 * `end`, after everything that was recorded. Throws FalconError `results-schema-newer` and the file system's errors.
 */
export async function* followRecords(paths: RunPaths, options: FollowOptions): AsyncGenerator<Followed> {
  const file = new GrowingFile(paths.records);
  const changes = new Changes(paths.records, options.pollMs ?? POLL_MS, options.signal);
  let isEnded = false;
  try {
    while (!options.signal.aborted) {
      // Asked before reading, so that everything written before the writer exited is certain to be read.
      const isWritten = await options.isWritten();
      const lines = await file.newLines();
      if (lines === null) return yield { type: "end", why: "removed" };
      if (lines.length > 0) {
        const { records, warnings } = parseRecords(lines, paths.records);
        // A run that was resumed continues after its recorded end.
        isEnded = (records.at(-1)?.kind ?? (isEnded ? "run_end" : "")) === "run_end";
        yield { type: "records", records, damaged: warnings.length };
      } else if (isEnded) return yield { type: "end", why: "ended" };
      else if (!isWritten) return yield { type: "end", why: "writer-gone" };
      else await changes.next();
    }
  } finally {
    changes.close();
  }
}

/** A file that others append to. */
class GrowingFile {
  #offset = 0;
  #rest: Buffer = Buffer.alloc(0);

  constructor(private readonly path: string) {}

  /** Returns the whole lines since the last call; null if the file is gone or shorter than before. */
  async newLines(): Promise<Buffer | null> {
    const content = await this.read();
    if (content === null) return null;
    const all = Buffer.concat([this.#rest, content]);
    const end = all.lastIndexOf(NEWLINE) + 1;
    this.#rest = all.subarray(end);
    return all.subarray(0, end);
  }

  private async read(): Promise<Buffer | null> {
    let file: Awaited<ReturnType<typeof open>>;
    try {
      file = await open(this.path, constants.O_RDONLY | constants.O_NONBLOCK);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
      throw error;
    }
    try {
      const found = await file.stat();
      if (!found.isFile()) return null;
      const { size } = found;
      if (size < this.#offset) return null;
      const wanted = Buffer.alloc(size - this.#offset);
      const { bytesRead } = await file.read(wanted, 0, wanted.length, this.#offset);
      this.#offset += bytesRead;
      return wanted.subarray(0, bytesRead);
    } finally {
      await file.close();
    }
  }
}

/** Reports that a file may have changed: when the system says so, and every `pollMs` in any case. */
class Changes {
  #isDue = false;
  #wake: (() => void) | null = null;
  readonly #stop: () => void;

  constructor(path: string, pollMs: number, signal: AbortSignal) {
    const notice = () => {
      this.#isDue = true;
      this.#wake?.();
    };
    const timer = setInterval(notice, pollMs);
    signal.addEventListener("abort", notice, { once: true });
    let watcher: ReturnType<typeof watch> | null = null;
    try {
      watcher = watch(path, { persistent: false }, notice);
      watcher.on("error", () => watcher?.close());
    } catch {
      // No more watches are available, or the file system does not support them: the timer is enough.
    }
    this.#stop = () => {
      clearInterval(timer);
      signal.removeEventListener("abort", notice);
      watcher?.close();
    };
  }

  async next(): Promise<void> {
    if (!this.#isDue) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    this.#wake = null;
    this.#isDue = false;
  }

  close(): void {
    this.#stop();
  }
}
