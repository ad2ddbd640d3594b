/** This program: its folder, its version, its streams. */
import { closeSync, existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { isatty } from "node:tty";
import { fileURLToPath } from "node:url";

/**
 * The folder of falcon-exp's own package.json, found from `src/` and from `dist/` alike. Throws if there is no
 * package.json.
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
  /** Why the printed output is incomplete; null if it is complete, or if its reader had seen enough. */
  lostOutput(): string | null;
}

/**
 * Keeps a measurement from ending because its output cannot be written: a reader that closes the pipe
 * (`falcon-exp plan … | head`) has seen enough, a terminal may be closed during a run, and the disk that a log or a result goes
 * to may be full. `lostOutput` tells why output on stdout is incomplete.
 */
export function watchOutput(target: NodeJS.Process): OutputWatch {
  let lost: string | null = null;
  target.stdout.on("error", ({ code, message }: NodeJS.ErrnoException) => {
    if (code !== "EPIPE" && code !== "EIO") lost ??= message;
  });
  // Without stderr, there is nowhere to report it.
  target.stderr.on("error", () => {});
  // On exit, Node restores a terminal's settings, and aborts if the terminal is gone. Closing the descriptor prevents that.
  const terminals = STANDARD_STREAMS.filter((descriptor) => isatty(descriptor));
  target.once("exit", () => {
    for (const descriptor of terminals) if (!isatty(descriptor)) closeSync(descriptor);
  });
  return { lostOutput: () => lost };
}
