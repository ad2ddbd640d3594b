/** Chooses the interpreter that runs the GPU checks; it needs the worker's libraries and pytest. */
import { join, resolve } from "node:path";
import { execa } from "execa";
import { prepareDevPython } from "../dev-python.js";

/** `given` (`--python`), else FALCON_EXP_PYTHON, else the tests' own environment, which is made if it is missing. */
export async function choosePython(root: string, given: string | undefined): Promise<string> {
  const named = given ?? process.env.FALCON_EXP_PYTHON;
  if (named === undefined || named === "") return (await prepareDevPython(root)).interpreter;
  // A bare name is looked up on PATH; anything else is relative to the folder in which the command was given.
  const python = named.includes("/") ? resolve(named) : named;
  const env = { PYTHONPATH: join(root, "python") };
  const { failed, stderr, shortMessage } = await execa(
    python,
    ["-c", "import pytest, zmq, falcon_exp.worker"],
    {
      env,
      reject: false,
    },
  );
  if (failed)
    throw new Error(`${python} cannot run the checks: ${stderr?.trim().split("\n").at(-1) ?? shortMessage}`);
  return python;
}
