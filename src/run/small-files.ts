/** Reads thousands of small files: synchronously if the disk is near, concurrently if it is far away. */
import {
  close,
  closeSync,
  constants,
  fstat,
  fstatSync,
  open,
  openSync,
  read,
  readFileSync,
  readSync,
} from "node:fs";
import { setImmediate } from "node:timers/promises";
import { promisify } from "node:util";
import type { Clock } from "../base/clock.js";
import { notAFile, readRegularFile } from "../base/files.js";
import { parseJson } from "../base/json.js";

/** Seconds per file above which a disk counts as far; a near disk answers in a small part of this. */
const FAR_SEC = 0.001;
/** A single slow answer says nothing: somebody else may have been using the disk. */
const FILES_BEFORE_JUDGING = 16;
/** After this many files the event loop gets a turn, so that pages can be served and threads can go on drawing. */
const FILES_A_TURN = 64;

// The handles of node:fs/promises take several times as long as these.
const [openFile, statFile, closeFile] = [promisify(open), promisify(fstat), promisify(close)];
const readFrom = promisify(read);
/** Opening a pipe this way does not wait for a writer (`readRegularFile`). */
const READ = constants.O_RDONLY | constants.O_NONBLOCK;

type Part = "start" | "end";

/**
 * A synchronous read takes a third to a half of the time of an asynchronous one. But on a network disk every synchronous read
 * waits for the network, while asynchronous ones wait together; so the first files decide which kind is used. Methods throw
 * the file system's errors.
 */
export class SmallFiles {
  #sec = 0;
  #files = 0;

  constructor(private readonly clock: Pick<Clock, "monotonicSec">) {}

  /** The whole file. */
  async text(path: string): Promise<string> {
    return this.#isFar ? String(await readRegularFile(path)) : this.#atOnce(() => textNow(path));
  }

  /** Its content as JSON; undefined if it is missing, cannot be read, or is incomplete. */
  async json(path: string): Promise<unknown> {
    return this.text(path).then(parseJson, () => undefined);
  }

  /** Its first or last bytes, at most `mostBytes` of them. */
  async part(path: string, part: Part, mostBytes: number): Promise<Buffer> {
    return this.#isFar
      ? promisedPart(path, part, mostBytes)
      : this.#atOnce(() => partNow(path, part, mostBytes));
  }

  get #isFar(): boolean {
    return this.#files >= FILES_BEFORE_JUDGING && this.#sec > this.#files * FAR_SEC;
  }

  async #atOnce<T>(work: () => T): Promise<T> {
    if (this.#files % FILES_A_TURN === 0) await setImmediate();
    const started = this.clock.monotonicSec();
    try {
      return work();
    } finally {
      this.#sec += this.clock.monotonicSec() - started;
      this.#files++;
    }
  }
}

function locatePart(
  size: number,
  part: Part,
  mostBytes: number,
): { readonly length: number; readonly at: number } {
  const length = Math.min(size, mostBytes);
  return { length, at: part === "start" ? 0 : size - length };
}

function partNow(path: string, part: Part, mostBytes: number): Buffer {
  const file = openSync(path, READ);
  try {
    const { length, at } = locatePart(sizeNow(file, path), part, mostBytes);
    const buffer = Buffer.allocUnsafe(length);
    return buffer.subarray(0, readSync(file, buffer, 0, length, at));
  } finally {
    closeSync(file);
  }
}

function textNow(path: string): string {
  const file = openSync(path, READ);
  try {
    sizeNow(file, path);
    return readFileSync(file, "utf8");
  } finally {
    closeSync(file);
  }
}

function sizeNow(file: number, path: string): number {
  const found = fstatSync(file);
  if (!found.isFile()) throw notAFile(path);
  return found.size;
}

async function promisedPart(path: string, part: Part, mostBytes: number): Promise<Buffer> {
  const file = await openFile(path, READ);
  try {
    const found = await statFile(file);
    if (!found.isFile()) throw notAFile(path);
    const { length, at } = locatePart(found.size, part, mostBytes);
    const buffer = Buffer.allocUnsafe(length);
    return buffer.subarray(0, (await readFrom(file, buffer, 0, length, at)).bytesRead);
  } finally {
    await closeFile(file);
  }
}
