/** Writes files so that no reader sees half of one, and runs work concurrently. */
import { randomBytes } from "node:crypto";
import { open, readFile, rename, rm, stat } from "node:fs/promises";
import writeFileAtomic from "write-file-atomic";

/**
 * Writes a temporary file and renames it to `path`, so that a reader never sees half of it. Throws what the file system throws.
 *
 * A network disk may rename the file but lose its answer. It is then asked again and finds nothing to rename (NFS over an
 * unreliable line: https://man7.org/linux/man-pages/man2/rename.2.html, BUGS). Whether the write succeeded is then decided by the
 * content found at `path`.
 */
export async function writeWholeFile(path: string, content: string | Uint8Array): Promise<void> {
  const bytes = Buffer.from(content);
  try {
    await writeFileAtomic(path, bytes);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    const there = await readFile(path).catch(() => null);
    if (there?.equals(bytes) !== true) throw error;
  }
}

/** Like `writeWholeFile`, for content that need not fit into memory; after a lost answer the file's identity decides. */
export async function writeWholeFileOf(
  path: string,
  pieces: Iterable<string | Uint8Array> | AsyncIterable<string | Uint8Array>,
): Promise<void> {
  const temporary = `${path}.${process.pid}-${randomBytes(4).toString("hex")}`;
  try {
    const file = await open(temporary, "wx");
    let written: { readonly dev: number; readonly ino: number };
    try {
      for await (const piece of pieces) await file.writeFile(piece);
      await file.sync();
      written = await file.stat();
    } finally {
      await file.close();
    }
    await rename(temporary, path).catch(async (error: NodeJS.ErrnoException) => {
      if (error.code !== "ENOENT") throw error;
      const there = await stat(path).catch(() => null);
      if (there?.ino !== written.ino || there.dev !== written.dev) throw error;
    });
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

/** Calls `work` for every item, at most `concurrency` at a time. Results keep the order of the items. Rejects with the first error. */
export async function mapConcurrent<T, R>(
  items: readonly T[],
  concurrency: number,
  work: (item: T) => Promise<R>,
): Promise<R[]> {
  const results: R[] = new Array(items.length);
  const waiting = items.entries();
  const worker = async () => {
    for (const [index, item] of waiting) results[index] = await work(item);
  };
  await Promise.all(Array.from({ length: Math.min(concurrency, items.length) }, worker));
  return results;
}
