/** Reads of thousands of small files, each quickly where the disk is near, side by side where it is far. */
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

/** A near disk answers in a small part of it. */
const FAR_SEC = 0.001;
/** A single slow answer says nothing: somebody else may have been using the disk. */
const FILES_BEFORE_JUDGING = 16;
/** After so many the event loop is let go: a page is being served, threads are drawing. */
const FILES_A_TURN = 64;

// The handles of node:fs/promises take several times as long as these.
const [openFile, statFile, closeFile] = [promisify(open), promisify(fstat), promisify(close)];
const readFrom = promisify(read);
/** A pipe is not waited for (`readRegularFile`). */
const READ = constants.O_RDONLY | constants.O_NONBLOCK;

type Part = "start" | "end";

/**
 * A read that waits takes a third to a half of the time that a promised one does. On a network disk each one would cost the delay of the
 * network, and promised ones share it; so the first files tell which it is. Methods throw what the file system does.
 */
export class SmallFiles {
  #sec = 0;
  #files = 0;

  constructor(private readonly clock: Pick<Clock, "monotonicSec">) {}

  /** The whole file. */
  async text(path: string): Promise<string> {
    return this.#isFar ? String(await readRegularFile(path)) : this.#atOnce(() => textNow(path));
  }

  /** What it says as JSON; undefined where it is missing, cannot be read, or is torn. */
  async json(path: string): Promise<unknown> {
    return this.text(path).then(parseJson, () => undefined);
  }

  /** Its first or last bytes, at most so many. */
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
