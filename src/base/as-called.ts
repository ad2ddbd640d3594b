/** Makes hints that can be typed as they are: the program appears in them as the user called it. */
import { accessSync, constants } from "node:fs";
import { basename, delimiter, join, relative } from "node:path";

const NAME = "falcon-exp";

/**
 * How the user calls the program: `falcon-exp` if a shell finds it, `npx falcon-exp` if npm runs it, otherwise Node and the path
 * of the script. FALCON_EXP_COMMAND overrides this, for a wrapper, a container or a module system.
 */
export function findProgramName(options: {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** As in Node's `process.argv`. */
  readonly script: string;
  readonly cwd: string;
}): string {
  const { env, script, cwd } = options;
  if ((env.FALCON_EXP_COMMAND ?? "") !== "") return env.FALCON_EXP_COMMAND as string;
  // npm puts folders on PATH that are not on the PATH of the shell that called it.
  const folders = (env.PATH ?? "").split(delimiter).filter((folder) => !folder.includes("node_modules"));
  if (env.npm_command !== "exec" && folders.some((folder) => folder !== "" && isProgram(join(folder, NAME))))
    return NAME;
  if (env.npm_command !== undefined || basename(script) === NAME) return `npx ${NAME}`;
  const path = relative(cwd, script);
  const shown = path.startsWith("..") ? script : path;
  return `node ${/^[\w./-]+$/.test(shown) ? shown : JSON.stringify(shown)}`;
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** Commands that are named in hints. */
const CALL = /(?<![\w/.-])falcon-exp (?=[a-z]+\b)/g;

/** Returns the text with the program in its hints named as the reader calls it. */
export function asCalled(text: string, program: string): string {
  return text.replaceAll(CALL, () => `${program} `);
}
