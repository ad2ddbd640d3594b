import { z } from "zod";
import { machineSchema } from "../protocol/machine.js";
import { lastLines, runPython } from "./python-command.js";
import { type Env, setupError } from "./types.js";

/** What to do about an environment that falcon-exp does not manage. */
export const OWN_ENVIRONMENT =
  "Install these packages there (again), or leave --python and FALCON_EXP_PYTHON out to use the managed environment.";

const problemSchema = z.object({ package: z.string(), found: z.string().nullable(), wanted: z.string() });

/** What `python -m falcon_exp.worker.check_environment` prints. */
export const environmentCheckSchema = z.object({
  python_version: z.string(),
  packages: z.record(z.string(), z.string().nullable()),
  problems: z.array(problemSchema),
  import_errors: z.array(z.object({ package: z.string(), message: z.string() })).nullable(),
  /** Null if it was not asked for, or if the libraries cannot be imported. */
  machine: machineSchema.nullable(),
  devices: z
    .array(
      z.object({
        device: z.string(),
        name: z.string().nullable(),
        memory_bytes: z.number(),
        /** The dtypes in which a decoder's arithmetic runs. */
        dtypes: z.array(z.string()),
        /** Format → null if a small layer was computed in it, else what went wrong. */
        quantization: z.record(z.string(), z.string().nullable()),
        /** Format → why it was not tried: a library that is not installed, or a device that it has no kernel for. */
        unable: z.record(z.string(), z.string()),
      }),
    )
    .nullable(),
});
export type EnvironmentCheck = z.infer<typeof environmentCheckSchema>;

/**
 * Asks an interpreter what is installed in it; `deep` also imports the libraries and computes on every device. Throws
 * `setup-python-unusable` if it cannot be run.
 */
export async function checkEnvironment(
  python: string,
  options: { readonly env: Env; readonly pythonPath: string; readonly deep: boolean },
): Promise<EnvironmentCheck> {
  const args = ["-m", "falcon_exp.worker.check_environment", ...(options.deep ? ["--deep"] : [])];
  const { failed, stdout, stderr, shortMessage } = await runPython(python, args, options);
  if (!failed) {
    const last = stdout.trimEnd().split("\n").at(-1) ?? "";
    return environmentCheckSchema.parse(JSON.parse(last));
  }
  throw setupError({
    code: "setup-python-unusable",
    message: `${python} cannot be used: ${lastLines(stderr) || shortMessage}`,
    next: "Name a Python 3.10 or newer that runs here with --python, or leave it out to use the managed environment.",
  });
}

/** What is wrong with an environment, one sentence per problem. */
export function listProblems(check: EnvironmentCheck): readonly string[] {
  const native = check.machine?.bitsandbytes;
  return [
    ...check.problems.map(
      (problem) => `${problem.package}: ${problem.found ?? "missing"}, needed ${problem.wanted}`,
    ),
    ...(check.import_errors ?? []).map((error) => `${error.package} cannot be imported: ${error.message}`),
    ...(native != null && native.native_library === null
      ? ["bitsandbytes cannot load its native library, so its slower fallback code would be measured"]
      : []),
  ];
}

/** Throws `setup-environment-unsuitable` with everything that is wrong. */
export function refuseProblems(
  python: string,
  check: EnvironmentCheck,
  { next = OWN_ENVIRONMENT }: { readonly next?: string } = {},
): void {
  const lines = listProblems(check).map((problem) => `  ${problem}`);
  if (lines.length === 0) return;
  throw setupError({
    code: "setup-environment-unsuitable",
    message: `${python} lacks what the worker needs:\n${lines.join("\n")}`,
    next,
  });
}
