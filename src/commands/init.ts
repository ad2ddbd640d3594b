import { existsSync } from "node:fs";
import { copyFile, mkdir, readdir, readFile } from "node:fs/promises";
import { dirname, join, relative, resolve } from "node:path";
import { asCalled } from "../base/as-called.js";
import { FalconError } from "../base/errors.js";
import { ExitCode } from "../base/exit-codes.js";
import { packageRoot } from "../base/program.js";
import type { CommandIo } from "./io.js";
import { printJson } from "./print-json.js";

export interface InitArgs {
  readonly dir: string;
  readonly force: boolean;
  readonly json: boolean;
}

/** `falcon-exp init`: writes the example experiments into `<dir>/experiments`; keeps files changed there, unless forced. */
export async function run(io: CommandIo, args: InitArgs): Promise<number> {
  const source = join(packageRoot(), "experiments");
  const target = resolve(io.cwd, args.dir, "experiments");
  const written: string[] = [];
  const unchanged: string[] = [];
  const kept: string[] = [];
  try {
    for (const name of await filesBelow(source)) {
      const [from, to] = [join(source, name), join(target, name)];
      await mkdir(dirname(to), { recursive: true });
      const shown = relative(io.cwd, to) || to;
      const exists = existsSync(to);
      const isSame = exists && (await readFile(to)).equals(await readFile(from));
      if (isSame) unchanged.push(shown);
      else if (exists && !args.force) kept.push(shown);
      else {
        await copyFile(from, to);
        written.push(shown);
      }
    }
  } catch (cause) {
    throw new FalconError({
      code: "init-failed",
      message: `The examples cannot be written to ${target}: ${(cause as Error).message}`,
      next: "Check the folder's permissions, or name another one: falcon-exp init FOLDER.",
      exitCode: ExitCode.resultsFailed,
      cause,
    });
  }
  const next = `falcon-exp run ${relative(io.cwd, join(target, "quant.yaml"))}`;
  if (args.json) printJson(io, { written, unchanged, kept, next });
  else {
    for (const path of written) io.stdout.write(`wrote      ${path}\n`);
    for (const path of unchanged) io.stdout.write(`unchanged  ${path}\n`);
    for (const path of kept) io.stdout.write(`kept yours ${path} (--force overwrites it)\n`);
    io.stdout.write(`\nNext: ${asCalled(next, io.program)}\n`);
  }
  return ExitCode.ok;
}

/** Sorted paths of the files in a folder and its subfolders, without what Python left behind. */
async function filesBelow(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)))
    .filter((path) => !path.includes("__pycache__"))
    .sort();
}
