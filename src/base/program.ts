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

/**
 * A reader that closed the pipe (`falcon-exp plan … | head`) has seen enough, and a terminal may be closed under a run:
 * neither is a defect, and nothing that is being measured ends for it. Every other error of a stream is thrown.
 */
export function ignoreEpipe(target: NodeJS.Process): void {
  for (const stream of [target.stdout, target.stderr]) {
    stream.on("error", (error: NodeJS.ErrnoException) => {
      if (error.code !== "EPIPE" && error.code !== "EIO") throw error;
    });
  }
  // Node gives a terminal its settings back when it exits, and aborts where the terminal is gone: it must not find it.
  const terminals = STANDARD_STREAMS.filter((descriptor) => isatty(descriptor));
  target.once("exit", () => {
    for (const descriptor of terminals) if (!isatty(descriptor)) closeSync(descriptor);
  });
}
