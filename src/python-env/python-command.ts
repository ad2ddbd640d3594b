import { tmpdir } from "node:os";
import { execa } from "execa";
import type { Env } from "./types.js";

/** How a command ended, and what it wrote. */
export interface PythonResult {
  readonly failed: boolean;
  readonly stdout: string;
  readonly stderr: string;
  /** Both streams, interleaved as they came. */
  readonly all: string;
  /** One line on how it failed. */
  readonly shortMessage: string;
}

/** Runs a Python interpreter so that it imports nothing from the user's folder or from another environment. */
export async function runPython(
  python: string,
  args: readonly string[],
  options: {
    readonly env: Env;
    readonly pythonPath?: string;
    readonly onLine?: (line: string) => void;
    /** Written to stdin; without it, the command has no stdin. */
    readonly input?: string;
  },
): Promise<PythonResult> {
  const { PYTHONPATH: _, PYTHONHOME: __, PYTHONSTARTUP: ___, ...rest } = options.env;
  const env = options.pythonPath === undefined ? rest : { ...rest, PYTHONPATH: options.pythonPath };
  const child = execa(python, [...args], {
    // The temporary folder instead of the user's, because a `torch.py` in the user's folder must not be imported.
    cwd: tmpdir(),
    env: env as Record<string, string>,
    extendEnv: false,
    reject: false,
    all: true,
    ...(options.input === undefined ? { stdin: "ignore" as const } : { input: options.input }),
  });
  const { onLine } = options;
  if (onLine !== undefined) {
    for await (const line of child.iterable({ from: "all", binary: false })) onLine(line);
  }
  const { failed, stdout, stderr, all, shortMessage } = await child;
  // If the interpreter could not be started at all, there are no streams, whatever the types say.
  const text = (output: string | undefined) => output ?? "";
  return {
    failed,
    stdout: text(stdout),
    stderr: text(stderr),
    all: text(all),
    shortMessage: text(shortMessage),
  };
}

/** The last lines of a command's output, for a message. */
export function lastLines(output: string, count = 12): string {
  return output.trimEnd().split("\n").slice(-count).join("\n");
}
