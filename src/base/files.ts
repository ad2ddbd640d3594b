/** Files and folders that may be something else than their names say. */
import { createHash } from "node:crypto";
import { constants, createReadStream, readFileSync } from "node:fs";
import { mkdir, open, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { pipeline } from "node:stream/promises";

/**
 * The whole content. Throws what the file system does, and an error with the code `EINVAL` where it is no file: opening a pipe
 * (FIFO) waits until somebody writes into it, and a device may never end.
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

/** More would not be read faster. */
const CHUNK_BYTES = 4 * 1024 * 1024;

/** The content in pieces, so that a file need not fit into memory. Throws as `readRegularFile` does. */
export async function* readChunks(path: string): AsyncGenerator<Buffer> {
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const found = await file.stat();
    if (!found.isFile()) throw notAFile(path);
    for (;;) {
      // A new one each time: what was read before may still be looked at.
      const buffer = Buffer.allocUnsafe(Math.min(CHUNK_BYTES, Math.max(1, found.size)));
      const { bytesRead } = await file.read(buffer, 0, buffer.length, null);
      if (bytesRead === 0) return;
      yield buffer.subarray(0, bytesRead);
    }
  } finally {
    await file.close();
  }
}

/** What is thrown for a pipe, socket, device or folder that bears a file's name. */
export function notAFile(path: string): NodeJS.ErrnoException {
  return Object.assign(new Error(`${path} is no regular file`), { code: "EINVAL" });
}

/** The folder with its parents; Node's own way of it never ends where a parent cannot hold folders (`/proc`). */
export async function makeFolders(path: string): Promise<void> {
  const there = await stat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return null;
    throw error;
  });
  if (there?.isDirectory() === true) return;
  if (there === null && dirname(path) !== path) await makeFolders(dirname(path));
  await mkdir(path).catch((error: NodeJS.ErrnoException) => {
    // Another process may have made it meanwhile; what is there and no folder was seen above.
    if (error.code !== "EEXIST" || there !== null) throw error;
  });
}

/** A stream takes longer to begin than such a file to read. */
const SMALL_BYTES = 4 * 1024 * 1024;

/** Of a file of any size; `bytes` is its size. */
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
