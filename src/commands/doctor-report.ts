import { access, constants, statfs } from "node:fs/promises";
import { dirname } from "node:path";
import type { FalconError } from "../base/errors.js";
import { packageRoot } from "../base/program.js";
import type { Machine } from "../protocol/machine.js";
import { builtinModelFolder, builtinModelProblem, NOT_CONVERTED } from "../python-env/builtin-model.js";
import {
  checkEnvironment,
  type EnvironmentCheck,
  listProblems,
  OWN_ENVIRONMENT,
} from "../python-env/check.js";
import { findPython } from "../python-env/find-python.js";
import { inspectManaged } from "../python-env/managed.js";
import { findManagedProblems } from "../python-env/repair.js";
import type { Env } from "../python-env/types.js";
import {
  describeFourBit,
  describeInt8,
  describeNuma,
  describeQuota,
  describeUsableCores,
} from "../run/machine-text.js";

/** The managed environment needs about this much while it is being made. */
const WANTED_FREE_BYTES = 4e9;

export interface Finding {
  readonly what: string;
  readonly ok: boolean;
  readonly detail: string;
  /** The one next step if it is not ok. */
  readonly next: string | null;
}

export interface DoctorReport {
  /** Whether `run` can measure now, or will be able to after the set-up that it does by itself. */
  readonly can_run: boolean;
  readonly findings: readonly Finding[];
  readonly python: string | null;
  readonly packages: EnvironmentCheck["packages"] | null;
  readonly machine: EnvironmentCheck["machine"];
  readonly devices: EnvironmentCheck["devices"];
}

/** The next step if something that falcon-exp itself made is damaged. */
const MEND = "Run falcon-exp setup: it repairs what is damaged.";

const ok = (what: string, detail: string): Finding => ({ what, ok: true, detail, next: null });

/** Looks at everything that a run needs; changes nothing. */
export async function examine(options: {
  readonly home: string;
  readonly pythonPath: string;
  readonly python: string | null;
  readonly env: Env;
}): Promise<DoctorReport> {
  const findings: Finding[] = [ok("Node", process.versions.node), ok("falcon-exp", packageRoot())];
  const python = options.python ?? (await managedPython(options, findings));
  let check: EnvironmentCheck | null = null;
  if (python !== null) {
    const isManaged = options.python === null;
    const look = async () => {
      const found = await checkEnvironment(python, { ...options, deep: true });
      findings.push(...environmentFindings(python, found, isManaged ? MEND : OWN_ENVIRONMENT));
      return found;
    };
    check = await asFinding("Python environment", findings, look, isManaged ? MEND : null);
  }
  const folder = await builtinModelFolder(options.home, options.pythonPath);
  const problem = await builtinModelProblem(folder, { checksums: "always" });
  findings.push(
    problem === null
      ? ok("embedded model", folder)
      : {
          what: "embedded model",
          ok: problem === NOT_CONVERTED,
          detail: problem,
          next: problem === NOT_CONVERTED ? "Run falcon-exp setup; falcon-exp run does it too." : MEND,
        },
  );
  const isReady = python !== null && problem === null;
  findings.push(await diskFinding(options.home, { mustWrite: !isReady }));
  return {
    can_run: findings.every((finding) => finding.ok),
    findings,
    python,
    packages: check?.packages ?? null,
    machine: check?.machine ?? null,
    devices: check?.devices ?? null,
  };
}

async function managedPython(
  options: { readonly home: string; readonly pythonPath: string; readonly env: Env },
  findings: Finding[],
): Promise<string | null> {
  const managed = await inspectManaged(options.home, options.pythonPath);
  if (managed.missing.length === 0) {
    const damaged = await findManagedProblems(options.pythonPath, managed);
    if (damaged.length > 0) {
      const detail = damaged.map(({ package: name, problem }) => `${name} ${problem}`).join("; ");
      findings.push({ what: "installed packages", ok: false, detail, next: MEND });
    }
    return managed.python;
  }
  const base = await asFinding("Python", findings, () => findPython(options.env));
  if (base !== null) findings.push(ok("Python", `${base.path} (${base.version})`));
  findings.push({
    what: "managed environment",
    // An environment that has not been made yet is no defect: a run makes it. Without a Python it cannot.
    ok: base !== null,
    detail: `not ready yet (missing: ${managed.missing.join(", ")})`,
    next: "Run falcon-exp setup; falcon-exp run does it too.",
  });
  return null;
}

/** What an environment is, what each of its devices computes, and what is wrong. `next` is the step if a package is. */
export function environmentFindings(
  python: string,
  check: EnvironmentCheck,
  next: string,
): readonly Finding[] {
  const wrong = listProblems(check);
  const findings: Finding[] = [
    wrong.length === 0
      ? ok("Python environment", `${python} (${check.python_version})`)
      : {
          what: "Python environment",
          ok: false,
          detail: wrong.join("; "),
          next,
        },
  ];
  for (const device of check.devices ?? []) {
    const broken = Object.entries(device.quantization).filter(([, error]) => error !== null);
    const works = Object.entries(device.quantization).flatMap(([name, error]) =>
      error === null ? [name] : [],
    );
    findings.push({
      what: device.device,
      ok: broken.length === 0,
      detail: `${device.name ?? "unknown"}, ${(device.memory_bytes / 1e9).toFixed(1)} GB; quantization ${["none", ...works].join(", ")}; dtype ${device.dtypes.join(", ")}`,
      next:
        broken.length === 0
          ? null
          : `Leave out: ${broken.map(([name, error]) => `${name} (${error})`).join("; ")}`,
    });
    findings.push(...unableFindings(device.device, device.unable));
  }
  if (check.machine !== null) findings.push(...machineFindings(check.machine));
  const hasGpu = (check.devices ?? []).some(({ device }) => device !== "cpu");
  if (check.devices !== null && !hasGpu) findings.push(ok("GPU", "none found: runs use the CPU"));
  return findings;
}

/** Methods that were not tried on a device. The machine is not at fault, so the finding is ok. */
function unableFindings(device: string, unable: Readonly<Record<string, string>>): readonly Finding[] {
  const names = Object.keys(unable);
  if (names.length === 0) return [];
  return [
    {
      what: `not on ${device}`,
      ok: true,
      detail: Object.values(unable).join(" "),
      next: Object.values(unable).some((reason) => reason.includes("this environment has"))
        ? "A run that needs one installs its library automatically; falcon-exp setup --quantizers installs all now."
        : null,
    },
  ];
}

/** What determines the CPU's speed besides its name: two CPUs of the same name may differ in it. */
function machineFindings(machine: Machine): readonly Finding[] {
  const { cpu_instruction_sets, numa, bitsandbytes, torch_cpu_capability } = machine;
  const unknown = "unknown";
  return [
    ok(
      "CPU",
      [
        `instruction sets ${cpu_instruction_sets?.join(", ") ?? unknown}`,
        `usable cores ${describeUsableCores(machine) ?? unknown}`,
        `quota ${describeQuota(machine)}`,
        `NUMA nodes ${numa === null ? unknown : describeNuma(numa)}`,
      ].join("; "),
    ),
    ok(
      "kernels",
      [
        `bitsandbytes ${bitsandbytes?.native_library ?? "without its native library"}`,
        `4-bit on the CPU: ${describeFourBit(bitsandbytes) ?? unknown}`,
        `int8 on the CPU: ${describeInt8(bitsandbytes) ?? unknown}`,
        `torch on the CPU: ${torch_cpu_capability}`,
      ].join("; "),
    ),
  ];
}

/** `mustWrite`: whether something has yet to be made there. */
async function diskFinding(home: string, { mustWrite }: { readonly mustWrite: boolean }): Promise<Finding> {
  let folder = home;
  for (;;) {
    try {
      const { bavail, bsize } = await statfs(folder);
      const free = bavail * bsize;
      const canWrite = await access(folder, constants.W_OK).then(
        () => true,
        () => false,
      );
      if (mustWrite && !canWrite) {
        const next = "Check its permissions, or name another folder with FALCON_EXP_HOME.";
        return { what: "cache folder", ok: false, detail: `${home} cannot be written`, next };
      }
      return {
        what: "cache folder",
        ok: free >= WANTED_FREE_BYTES / 4,
        detail: `${home}, ${(free / 1e9).toFixed(1)} GB free`,
        next:
          free >= WANTED_FREE_BYTES ? null : "Free some space, or name another folder with FALCON_EXP_HOME.",
      };
    } catch (cause) {
      const parent = dirname(folder);
      if (parent === folder) throw cause;
      folder = parent;
    }
  }
}

/** Turns a user error into a finding, with its own next step unless there is a better one; rethrows anything else as a defect. */
async function asFinding<T>(
  what: string,
  findings: Finding[],
  work: () => Promise<T>,
  betterNext: string | null = null,
): Promise<T | null> {
  try {
    return await work();
  } catch (error) {
    const { code, message, next } = error as FalconError;
    if (code === undefined) throw error;
    findings.push({ what, ok: false, detail: message, next: betterNext ?? next });
    return null;
  }
}
