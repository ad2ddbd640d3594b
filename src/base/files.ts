/** Reads files and makes folders, even if a path turns out to be something else, such as a pipe. */
import { createHash } from "node:crypto";
import { constants, createReadStream, readFileSync } from "node:fs";
import { mkdir, open, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { pipeline } from "node:stream/promises";

/**
 * Reads the whole content of a file. Throws what the file system throws, and an error with the code `EINVAL` if the path is not a
 * regular file: opening a pipe (FIFO) would wait until somebody writes to it, and a device may never end.
 */
export async function readRegularFile(path: string): Promise<Buffer> {
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    if (!(await file.stat()).isFile()) throw notAFile(path);
    return await file.readFile();
  } finally {
    await file.close();
  }
}

/** Larger chunks would not be read faster. */
const CHUNK_BYTES = 4 * 1024 * 1024;

/** Reads a file in pieces, so that it need not fit into memory. Throws what `readRegularFile` throws. */
export async function* readChunks(path: string): AsyncGenerator<Buffer> {
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const found = await file.stat();
    if (!found.isFile()) throw notAFile(path);
    for (;;) {
      // A new buffer each time, because the caller may still be using the previous one.
      const buffer = Buffer.allocUnsafe(Math.min(CHUNK_BYTES, Math.max(1, found.size)));
      const { bytesRead } = await file.read(buffer, 0, buffer.length, null);
      if (bytesRead === 0) return;
      yield buffer.subarray(0, bytesRead);
    }
  } finally {
    await file.close();
  }
}

/** The error that is thrown for a pipe, socket, device or folder where a file is expected. */
export function notAFile(path: string): NodeJS.ErrnoException {
  return Object.assign(new Error(`${path} is no regular file`), { code: "EINVAL" });
}

/** Makes the folder and its parents. Node's own way of doing that never ends if a parent cannot hold folders (`/proc`). */
export async function makeFolders(path: string): Promise<void> {
  const there = await stat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return null;
    throw error;
  });
  if (there?.isDirectory() === true) return;
  if (there === null && dirname(path) !== path) await makeFolders(dirname(path));
  await mkdir(path).catch((error: NodeJS.ErrnoException) => {
    // Another process may have made it meanwhile. If something that is not a folder was there before, the error stands.
    if (error.code !== "EEXIST" || there !== null) throw error;
  });
}

/** Up to this size, reading a file takes less time than starting a stream. */
const SMALL_BYTES = 4 * 1024 * 1024;

/** SHA-256 of a file of any size; `bytes` is its size. */
export async function sha256OfFile(
  path: string,
  bytes: number,
  encoding: "hex" | "base64url" = "hex",
): Promise<string> {
  const hash = createHash("sha256");
  if (bytes <= SMALL_BYTES) return hash.update(readFileSync(path)).digest(encoding);
  await pipeline(createReadStream(path, { highWaterMark: SMALL_BYTES }), hash);
  return hash.digest(encoding);
}
