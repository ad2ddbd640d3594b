/** Verifies the managed environment that an earlier set-up made, and repairs it. */
import { rm } from "node:fs/promises";
import { dirname } from "node:path";
import type { FalconError } from "../base/errors.js";
import { checkEnvironment, listProblems } from "./check.js";
import { findPackageProblems, type PackageProblem } from "./installed-packages.js";
import {
  forgetSteps,
  inspectManaged,
  listLocks,
  type MakeOptions,
  type ManagedEnvironment,
  makeManaged,
} from "./managed.js";
import { runPython } from "./python-command.js";

/** What is wrong with the files and versions of what was installed. Makes nothing, starts nothing. */
export async function findManagedProblems(
  pythonPath: string,
  managed: ManagedEnvironment,
): Promise<readonly PackageProblem[]> {
  return findPackageProblems(dirname(dirname(managed.python)), listLocks(pythonPath, managed));
}

/**
 * Makes what is missing, then checks every file and imports every library. Damaged packages are installed again, and if that
 * does not help, the whole environment is. Throws `setup-…` if neither helps.
 */
export async function mendManaged(options: MakeOptions): Promise<void> {
  const before = await inspectManaged(options.home, options.pythonPath);
  const everything = { ...options, extras: [...new Set([...before.extras, ...options.extras])] };
  const managed = await makeManaged(everything);
  if (before.missing.includes("venv")) return;
  const say = (detail: string) => options.onProgress({ step: "verify", detail, index: 1, count: 1 });
  say("");
  const problems = await findProblems(options, managed, say);
  if (problems.length === 0) return;
  options.onProgress({ step: "mend", detail: problems.map(describeProblem).join("; "), index: 1, count: 1 });
  if (await forgetPackages(options, managed, problems)) {
    await forgetSteps(managed, { keepVenv: true });
    if (await isWholeAgain(everything)) return;
  }
  options.onProgress({ step: "mend", detail: "the whole environment", index: 1, count: 1 });
  await forgetSteps(managed, { keepVenv: false });
  await makeManaged(everything);
}

function describeProblem({ package: name, problem }: PackageProblem): string {
  return `${name} ${problem}`;
}

async function findProblems(
  options: MakeOptions,
  managed: ManagedEnvironment,
  say: (detail: string) => void,
): Promise<readonly PackageProblem[]> {
  say("files and versions");
  const damaged = await findManagedProblems(options.pythonPath, managed);
  if (damaged.length > 0) return damaged;
  say("importing every library");
  const told = (problem: string) => ({ package: "environment:", problem, notes: null });
  try {
    return listProblems(await checkEnvironment(managed.python, { ...options, deep: true })).map(told);
  } catch (error) {
    return [told((error as FalconError).message)];
  }
}

/** Makes pip treat the damaged packages as missing. False if pip itself can no longer be used. */
async function forgetPackages(
  { env }: MakeOptions,
  { python }: ManagedEnvironment,
  problems: readonly PackageProblem[],
): Promise<boolean> {
  for (const { notes } of problems) {
    if (notes !== null) await rm(notes, { recursive: true, force: true });
  }
  // Python comes with a pip of its own, which needs no network.
  const isPipDamaged = problems.some(({ package: name }) => name === "pip");
  const { failed } = await runPython(python, ["-m", isPipDamaged ? "ensurepip" : "pip", "--version"], {
    env,
  });
  if (failed || !isPipDamaged) return !failed;
  return !(await runPython(python, ["-m", "ensurepip"], { env })).failed;
}

async function isWholeAgain(options: MakeOptions): Promise<boolean> {
  try {
    const managed = await makeManaged(options);
    return (await findManagedProblems(options.pythonPath, managed)).length === 0;
  } catch (error) {
    // Any other failure, above all a network that is down, would only get worse if everything were removed.
    if ((error as FalconError).code !== "setup-environment-unsuitable") throw error;
    return false;
  }
}
