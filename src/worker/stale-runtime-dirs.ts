import { lstat, readdir, rm } from "node:fs/promises";
import { connect } from "node:net";
import { join } from "node:path";

const NAME = /^falcon-exp-[A-Za-z0-9]{6}$/;

/**
 * Removes what a controller left in `base` that was killed together with its worker: folders whose sockets all refuse,
 * whatever became of the process ids. Never throws: this is tidying, not a duty.
 */
export async function removeStaleRuntimeDirs(base: string): Promise<void> {
  const names = await readdir(base).catch(() => []);
  for (const name of names) {
    if (!NAME.test(name)) continue;
    const path = join(base, name);
    try {
      const status = await lstat(path);
      if (!status.isDirectory() || status.uid !== process.getuid?.()) continue;
      const sockets = await socketsIn(path);
      const answers = await Promise.all(sockets.map(dial));
      // Without a socket it may be one that is being made just now.
      const isStale = answers.length > 0 && answers.every((answer) => answer === "ECONNREFUSED");
      if (isStale) await rm(path, { recursive: true, force: true });
    } catch {
      // Another run is tidying too.
    }
  }
}

/** The worker's own lanes, where they are no TCP ports, and the forkserver's. */
async function socketsIn(folder: string): Promise<readonly string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries.flatMap((entry) => (entry.isSocket() ? [join(entry.parentPath, entry.name)] : []));
}

/** `listening`, or the error's code. */
function dial(path: string): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.once("connect", () => {
      socket.destroy();
      resolve("listening");
    });
    socket.once("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? "unknown"));
  });
}
