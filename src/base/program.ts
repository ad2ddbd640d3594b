/** This program: its folder, its version, its streams. */
import { closeSync, existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { isatty } from "node:tty";
import { fileURLToPath } from "node:url";

/**
 * The folder of falcon-exp's own package.json, from `src/` and from `dist/` alike. Throws when the package was
 * torn apart.
 */
export function packageRoot(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, "package.json"))) {
    const parent = dirname(folder);
    if (parent === folder) throw new Error("falcon-exp's package.json is missing; install it again");
    folder = parent;
  }
  return folder;
}

/** The version in falcon-exp's own package.json. */
export function falconExpVersion(): string {
  const manifest: unknown = JSON.parse(readFileSync(join(packageRoot(), "package.json"), "utf8"));
  return (manifest as { version: string }).version;
}

const STANDARD_STREAMS = [0, 1, 2];

export interface OutputWatch {
  /** Why what was printed is not whole; null where it is, or where its reader had seen enough. */
  lostOutput(): string | null;
}

/**
 * A reader that closed the pipe (`falcon-exp plan … | head`) has seen enough, a terminal may be closed under a run, and the disk
 * that a log or a result goes to may be full: nothing that is being measured ends for it. What is missing on stdout is told.
 */
export function watchOutput(target: NodeJS.Process): OutputWatch {
  let lost: string | null = null;
  target.stdout.on("error", ({ code, message }: NodeJS.ErrnoException) => {
    if (code !== "EPIPE" && code !== "EIO") lost ??= message;
  });
  // There is nobody to tell it to.
  target.stderr.on("error", () => {});
  // Node gives a terminal its settings back when it exits, and aborts where the terminal is gone: it must not find it.
  const terminals = STANDARD_STREAMS.filter((descriptor) => isatty(descriptor));
  target.once("exit", () => {
    for (const descriptor of terminals) if (!isatty(descriptor)) closeSync(descriptor);
  });
  return { lostOutput: () => lost };
}
