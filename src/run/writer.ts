import { constants } from "node:fs";
import { type FileHandle, open, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { z } from "zod";
import { FalconError } from "../base/errors.js";
import { ExitCode } from "../base/exit-codes.js";
import { makeFolders, notAFile } from "../base/files.js";
import { appendChecksum } from "./checksummed-line.js";
import { type RunFileRecord, recordSchema } from "./record-types.js";

/** Like "a+", but does not wait if a pipe has that name. */
const APPEND = constants.O_APPEND | constants.O_CREAT | constants.O_RDWR | constants.O_NONBLOCK;

export interface RecordWriterOptions {
  /** Continue a file that already has records. Without this, such a file is refused. */
  readonly resume?: boolean;
}

/**
 * Appends to `records.jsonl`. A record whose `append` has resolved is on the disk and survives a power cut.
 *
 * After a failed write the end of the file is unknown, so every later append fails too, with the same cause.
 */
export class RecordWriter {
  #tail: Promise<void> = Promise.resolve();
  #broken: FalconError | null = null;
  #closed = false;

  private constructor(
    readonly path: string,
    private readonly file: FileHandle,
  ) {}

  /** Creates the parent folders and the file. Throws FalconError `results-write-failed` or `results-exist`. */
  static async open(path: string, options: RecordWriterOptions = {}): Promise<RecordWriter> {
    try {
      await makeFolders(dirname(path));
      const file = await open(path, APPEND);
      try {
        await prepare(file, path, options.resume === true);
        await syncFolder(dirname(path));
      } catch (error) {
        await file.close();
        throw error;
      }
      return new RecordWriter(path, file);
    } catch (cause) {
      throw cause instanceof FalconError ? cause : writeFailed(path, cause);
    }
  }

  /**
   * Validates the record, writes it as one line in one write, and syncs; concurrent calls are written in the order of calling.
   */
  append(record: RunFileRecord): Promise<void> {
    const checked = recordSchema.safeParse(record);
    if (!checked.success) {
      return Promise.reject(new TypeError(`record breaks its schema: ${z.prettifyError(checked.error)}`));
    }
    if (this.#closed) return Promise.reject(new TypeError(`append after close of ${this.path}`));
    const line = Buffer.from(`${appendChecksum(JSON.stringify(checked.data))}\n`, "utf8");
    const done = this.#tail.then(() => this.#write(line));
    this.#tail = done.catch(() => {});
    return done;
  }

  async #write(line: Buffer): Promise<void> {
    if (this.#broken !== null) throw this.#broken;
    try {
      const { bytesWritten } = await this.file.write(line, 0, line.byteLength);
      if (bytesWritten < line.byteLength) {
        throw new Error(`only ${bytesWritten} of ${line.byteLength} bytes were written`);
      }
      await this.file.sync();
      await this.#refuseLostFile();
    } catch (cause) {
      this.#broken = cause instanceof FalconError ? cause : writeFailed(this.path, cause);
      throw this.#broken;
    }
  }

  /**
   * Throws FalconError `results-lost` if the file is gone: a deleted file can still be written to, but nobody would ever see
   * what is in it.
   */
  async #refuseLostFile(): Promise<void> {
    const [own, there] = await Promise.all([
      this.file.stat(),
      stat(this.path).catch((error: NodeJS.ErrnoException) => {
        if (error.code === "ENOENT" || error.code === "ENOTDIR") return null;
        throw error;
      }),
    ]);
    if (there !== null && there.ino === own.ino && there.dev === own.dev) return;
    throw new FalconError({
      code: "results-lost",
      message: `${this.path} was deleted, moved or replaced while the run wrote to it.`,
      next: "Put the folder back as it was and continue with `falcon-exp run --resume`; else start a new run, and leave its folder alone until it ends.",
      exitCode: ExitCode.resultsFailed,
    });
  }

  /** Waits for the appends in progress and closes the file. Safe to call twice. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#tail;
    await this.file.close();
  }
}

/**
 * Refuses existing records unless resuming. A line that a kill cut off is ended, so that the next record gets a line of its
 * own.
 */
async function prepare(file: FileHandle, path: string, resume: boolean): Promise<void> {
  const found = await file.stat();
  if (!found.isFile()) throw notAFile(path);
  const { size } = found;
  if (size === 0) return;
  if (!resume) {
    throw new FalconError({
      code: "results-exist",
      message: `${path} already holds records.`,
      next: "Start a new run, or move this folder away.",
      exitCode: ExitCode.resultsFailed,
    });
  }
  const last = Buffer.alloc(1);
  await file.read(last, 0, 1, size - 1);
  if (last.toString("latin1") !== "\n") await file.write("\n");
}

/** Syncs a folder, because a new file's name is on the disk only once its folder has been synced as well. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** The one error for every way in which writing a results file can fail. */
export function writeFailed(path: string, cause: unknown): FalconError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new FalconError({
    code: "results-write-failed",
    message: `Could not write ${path}: ${reason}`,
    next: "Check the free space and the permissions of the results folder. A run that had already started keeps its measurements; continue it with `falcon-exp run --resume`.",
    exitCode: ExitCode.resultsFailed,
    cause,
  });
}
