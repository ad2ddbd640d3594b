import { fileURLToPath } from "node:url";
import { execa } from "execa";

const bin = fileURLToPath(new URL("../../bin/falcon-exp.js", import.meta.url));

/** Runs the built CLI as a user does; never throws. */
export async function falconExp(
  args: readonly string[],
  options: {
    readonly cwd?: string;
    readonly env?: Readonly<Record<string, string>>;
    /** A Node other than the one that runs the tests. */
    readonly node?: string;
  } = {},
) {
  const result = await execa(options.node ?? process.execPath, [bin, ...args], {
    reject: false,
    stripFinalNewline: false,
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    env: { ...options.env },
  });
  return { exitCode: result.exitCode, stdout: result.stdout, stderr: result.stderr };
}
