/** What a hint must be to be typed as it stands: the program by the name that its reader called it by. */
import { accessSync, constants } from "node:fs";
import { basename, delimiter, join, relative } from "node:path";

const NAME = "falcon-exp";

/**
 * `falcon-exp` where a shell finds that, `npx falcon-exp` where npm runs it, else Node and the path of the script. FALCON_EXP_COMMAND says
 * otherwise: for a wrapper, a container, a module system.
 */
export function findProgramName(options: {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** As Node has it in `process.argv`. */
  readonly script: string;
  readonly cwd: string;
}): string {
  const { env, script, cwd } = options;
  if ((env.FALCON_EXP_COMMAND ?? "") !== "") return env.FALCON_EXP_COMMAND as string;
  // npm puts folders on PATH that the shell in which it was called does not have.
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

/** Commands that hints name. */
const CALL = /(?<![\w/.-])falcon-exp (?=[a-z]+\b)/g;

/** The hints in a text, with the program as its reader calls it. */
export function asCalled(text: string, program: string): string {
  return text.replaceAll(CALL, () => `${program} `);
}
