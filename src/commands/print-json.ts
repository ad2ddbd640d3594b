import type { CommandIo } from "./io.js";

/** What `--json` prints: one document and nothing else on stdout. */
export function printJson(io: Pick<CommandIo, "stdout">, document: unknown): void {
  io.stdout.write(`${JSON.stringify(document, null, 2)}\n`);
}
