/** Files that are made whole, and work that goes on side by side. */
import { readFile } from "node:fs/promises";
import writeFileAtomic from "write-file-atomic";

/**
 * Writes a file whole, then renames it over what stood there: a reader never sees half of it. Throws what the file system does.
 *
 * A network disk that renamed the file, but lost the answer, is asked again and finds nothing to rename (NFS over an unreliable
 * line: https://man7.org/linux/man-pages/man2/rename.2.html, BUGS): what stands there then decides.
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
