import { closeSync } from "node:fs";
import { isatty } from "node:tty";

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
