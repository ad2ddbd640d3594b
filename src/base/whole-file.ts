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
