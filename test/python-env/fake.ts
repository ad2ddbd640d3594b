import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { scratchFolder } from "../fixtures/run-folder.js";

export const packageRoot = fileURLToPath(new URL("../../", import.meta.url));
const program = readFileSync(join(packageRoot, "test/fixtures/fake-python.mjs"), "utf8");

export interface FakeMachine {
  readonly home: string;
  readonly env: Record<string, string>;
  /** The calls of Python so far, except those that ask the interpreter to describe itself. */
  calls(): string[];
}

/** A machine whose only Python is the fake one. */
export function fakeMachine(
  variables: Readonly<Record<string, string>> = {},
  folder: string = scratchFolder(),
): FakeMachine {
  const bin = join(folder, "bin");
  const log = join(folder, "calls.log");
  mkdirSync(bin);
  // Node treats a script without an extension as a module only if a package.json above it says so.
  writeFileSync(join(folder, "package.json"), '{"type": "module"}');
  writeFileSync(join(bin, "python3"), `#!${process.execPath}\n${program}`);
  chmodSync(join(bin, "python3"), 0o755);
  return {
    home: join(folder, "home"),
    env: { PATH: bin, FAKE_LOG: log, ...variables },
    calls: () =>
      existsSync(log)
        ? readFileSync(log, "utf8")
            .trimEnd()
            .split("\n")
            .filter((line) => line.startsWith("-m"))
        : [],
  };
}
