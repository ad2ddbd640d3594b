import { runPython } from "./python-command.js";
import { type Env, setupError } from "./types.js";

/** The machine's default first, then the newest. */
const CANDIDATES = [
  "python3",
  "python",
  "python3.14",
  "python3.13",
  "python3.12",
  "python3.11",
  "python3.10",
];
const OLDEST = [3, 10] as const;

export interface FoundPython {
  readonly path: string;
  /** e.g. `3.11.7`. */
  readonly version: string;
}

/** The first Python ≥ 3.10 on PATH that can make virtual environments. Throws `setup-python-missing` with what was found. */
export async function findPython(env: Env): Promise<FoundPython> {
  const seen: string[] = [];
  for (const candidate of CANDIDATES) {
    const described = await describe(candidate, env);
    if (described === null) continue;
    const { path, version, canMakeVenv } = described;
    if (!isNewEnough(version)) seen.push(`${candidate} is ${version}`);
    else if (!canMakeVenv) seen.push(`${candidate} (${version}) lacks the modules venv and ensurepip`);
    else return { path, version };
  }
  const lacksVenv = seen.some((line) => line.includes("ensurepip"));
  throw setupError({
    code: "setup-python-missing",
    message: `No Python ${OLDEST.join(".")} or newer that can make virtual environments was found on PATH.${seen.map((line) => `\n  ${line}`).join("")}`,
    next: lacksVenv
      ? "Install its venv module (Debian, Ubuntu: apt install python3-venv), or name an environment with --python."
      : "Install Python 3.11 or newer, or name an interpreter with --python or FALCON_EXP_PYTHON.",
  });
}

const DESCRIBE = [
  "import importlib.util as u, json, platform, sys",
  "has = lambda name: u.find_spec(name) is not None",
  "print(json.dumps([sys.executable, platform.python_version(), has('venv') and has('ensurepip')]))",
].join("\n");

/** What an interpreter says about itself. Null if it cannot be run. */
async function describe(
  python: string,
  env: Env,
): Promise<(FoundPython & { readonly canMakeVenv: boolean }) | null> {
  const { failed, stdout } = await runPython(python, ["-I", "-c", DESCRIBE], { env });
  if (failed) return null;
  try {
    const [path, version, canMakeVenv] = JSON.parse(stdout) as [string, string, boolean];
    return { path, version, canMakeVenv };
  } catch {
    return null;
  }
}

function isNewEnough(version: string): boolean {
  const [major = 0, minor = 0] = version.split(".").map((part) => Number.parseInt(part, 10));
  return major > OLDEST[0] || (major === OLDEST[0] && minor >= OLDEST[1]);
}
