/** `falcon-exp run --devices`: spreads a plan over several devices of this machine, with one worker per device at a time. */
import { basename, join, resolve } from "node:path";
import { execa } from "execa";
import { FalconError } from "../base/errors.js";
import { ExitCode } from "../base/exit-codes.js";
import { pluralize } from "../base/text.js";
import {
  confine,
  countDevices,
  type Device,
  findHidden,
  parseDevices,
  spreadWork,
  type Work,
} from "../executor/devices.js";
import { planText } from "../plan/plan-file.js";
import type { Plan } from "../plan/plan-types.js";
import { predictTimes } from "../plan/predict-times.js";
import { dealParts, splitPlan } from "../plan/slices.js";
import { freezeRun } from "../run/frozen-run.js";
import type { RunPaths } from "../run/paths.js";
import { writeResultFile } from "../run/result-file.js";
import { removeLogprobs } from "../run/task-folders.js";
import { chooseExitCode } from "./choose-exit-code.js";
import { drawAndPrint } from "./draw-and-print.js";
import { type ConfigurationEstimate, estimatePlan } from "./estimate-plan.js";
import { newRunPaths } from "./freeze-experiment.js";
import type { CommandIo } from "./io.js";
import { loadPlan } from "./load-plan.js";
import type { RunArgs } from "./run-args.js";
import { PROGRAM } from "./slurm-program.js";

/** Devices disturb each other if one of them, while all are busy, reaches less than this share of its speed alone. */
const LEAST_SPEED_SHARE = 0.9;

/** Throws the FalconErrors of the experiment loader and of the run's folder, and `devices-invalid`. */
export async function runDevices(
  io: CommandIo,
  args: RunArgs & { readonly devices: string },
): Promise<number> {
  const devices = readDevices(io, args);
  const { experiment, text, plan } = await loadPlan(io, { file: args.file ?? "", set: args.set });
  const run = newRunPaths(io, experiment.name, resolve(io.cwd, args.results));
  const estimates = await estimatePlan(io, plan, {
    python: args.python || null,
    results: args.results,
    memory: [],
  });
  const works = predictWork(plan, estimates, devices);
  const slots = await measureSlots(io, devices);
  await freezeRun(run, { experimentText: text, planText: planText(plan) });
  await tellInterference(io, run, slots);
  const signal = await measureAll(io, run, works, { devices, python: args.python || null });
  if (plan.header.quality?.keep_logprobs !== true) await removeLogprobs(run);
  const data = await drawAndPrint(io, run, { json: args.json });
  return chooseExitCode(data.end?.status ?? "interrupted", signal);
}

function readDevices(
  io: CommandIo,
  { devices: text, file, resume, reuse, failOn }: RunArgs & { readonly devices: string },
): readonly Device[] {
  const devices = parseDevices(text);
  const hidden = devices === null ? null : findHidden(devices, io.env.CUDA_VISIBLE_DEVICES);
  if (hidden !== null) {
    throw new FalconError({
      code: "devices-invalid",
      message: `cuda:${hidden.name} is not there: CUDA_VISIBLE_DEVICES is ${JSON.stringify(io.env.CUDA_VISIBLE_DEVICES)}.`,
      next: "Number the cards of that list from 0, or unset CUDA_VISIBLE_DEVICES.",
      exitCode: ExitCode.usage,
    });
  }
  if (devices !== null && file !== undefined && resume === undefined && !reuse && failOn.length === 0)
    return devices;
  throw new FalconError({
    code: "devices-invalid",
    message:
      devices === null
        ? `${JSON.stringify(text)} is not a list of devices.`
        : "--devices is for a new run of an experiment file, without --reuse and --fail-on.",
    next: "Write cards as cuda:0,cuda:1, or sets of cores as cpu:0-3,cpu:4-7; what is left of such a run: falcon-exp run --resume RUN.",
    exitCode: ExitCode.usage,
  });
}

/** One slice per part: what is compared with each other stays together, on one device or on as many as it needs. */
function predictWork(
  plan: Plan,
  estimates: readonly ConfigurationEstimate[],
  devices: readonly Device[],
): readonly Work[] {
  const byId = new Map(estimates.map((one) => [one.id, one]));
  const parts = splitPlan(plan);
  const known = <T>(read: (one: ConfigurationEstimate) => T | null) =>
    new Map(
      estimates.flatMap((one) => {
        const value = read(one);
        return value === null ? [] : [[one.id, value] as const];
      }),
    );
  const bytes = known(({ estimate }) => estimate?.total_bytes ?? null);
  const { seconds, sizes } = predictTimes(parts, { seconds: known((one) => one.last_elapsed_sec), bytes });
  const timeOf = new Map(parts.map((part, index) => [part, (seconds ?? sizes)[index] ?? 0]));
  return dealParts(parts, parts.length).map((own, slice) => {
    const ids = own.flatMap(({ configurations }) => configurations.map(({ worker }) => worker.id));
    const most = Math.max(0, ...ids.flatMap((id) => bytes.get(id) ?? []));
    const memory = ids.flatMap(
      (id) => byId.get(id)?.fits.flatMap((one) => (isOf(devices, one) ? one.memory_bytes : [])) ?? [],
    );
    return {
      slice,
      devices: countDevices(
        most || null,
        memory.length === 0 || devices[0]?.kind === "cpu" ? null : Math.min(...memory),
        devices.length,
      ),
      time: own.reduce((sum, part) => sum + (timeOf.get(part) ?? 0), 0),
    };
  });
}

function isOf(devices: readonly Device[], { device }: { readonly device: string }): boolean {
  return devices.some(({ kind, name }) => device === `${kind}:${name}` || device === kind);
}

interface Slot {
  readonly device: string;
  readonly alone_bytes_per_sec: number;
  readonly together_bytes_per_sec: number | null;
}

/**
 * Measures how fast each device reads memory: for a second alone, then for a second together with the others. Throws FalconError
 * `devices-invalid` if a device cannot be used.
 */
async function measureSlots(io: CommandIo, devices: readonly Device[]): Promise<readonly Slot[]> {
  const measure = async (device: Device) => {
    const { command, env } = confine([device], [...PROGRAM, "slot-speed"], io.env.CUDA_VISIBLE_DEVICES);
    const [file = "", ...args] = command;
    const { stdout, stderr, shortMessage, failed } = await execa(file, args, { reject: false, env });
    return { file, speed: failed ? null : Number(stdout), said: stderr || shortMessage };
  };
  const alone: number[] = [];
  for (const device of devices) {
    const { file, speed, said } = await measure(device);
    if (speed === null) throw cannotStart(file, device, said ?? "");
    alone.push(speed);
  }
  const together = await Promise.all(devices.map(measure));
  return devices.map(({ kind, name }, index) => ({
    device: `${kind}:${name}`,
    alone_bytes_per_sec: alone[index] ?? 0,
    together_bytes_per_sec: together[index]?.speed ?? null,
  }));
}

function cannotStart(file: string, { kind, name }: Device, said: string): FalconError {
  return new FalconError({
    code: "devices-invalid",
    message: `${basename(file)} could not start on ${kind}:${name}: ${said.trimEnd()}`,
    next:
      kind === "cpu"
        ? "Name cores that this process may use (taskset -cp $$ shows them); taskset comes with util-linux."
        : "Run falcon-exp doctor.",
    exitCode: ExitCode.usage,
  });
}

/** Records and reports how much the devices slow each other down, as measured before anything else. */
async function tellInterference(io: CommandIo, run: RunPaths, slots: readonly Slot[]): Promise<void> {
  await writeResultFile(
    join(run.folder, "devices.json"),
    `${JSON.stringify({ schema_version: 1, slots }, null, 2)}\n`,
  );
  const least = Math.min(
    ...slots.map((slot) => (slot.together_bytes_per_sec ?? 0) / slot.alone_bytes_per_sec),
  );
  const percent = `${(least * 100).toFixed(0)} %`;
  io.stderr.write(
    least < LEAST_SPEED_SHARE
      ? `WARNING: the devices slow each other down: one reads memory at only ${percent} of its speed alone while the others read too. Compare only results from the same device, or use fewer devices.\n`
      : `${pluralize(slots.length, "device")}: each reads memory at ${percent} or more of its speed alone while the others read too.\n`,
  );
}

async function measureAll(
  io: CommandIo,
  run: RunPaths,
  works: readonly Work[],
  { devices, python }: { readonly devices: readonly Device[]; readonly python: string | null },
): Promise<NodeJS.Signals | null> {
  let received: NodeJS.Signals | null = null;
  const children = new Set<ReturnType<typeof execa>>();
  const hasTerminal = [process.stdin, process.stdout, process.stderr].some(({ isTTY }) => isTTY);
  const stop = (signal: NodeJS.Signals) => {
    received ??= signal;
    // A terminal itself sends Ctrl-C to all children, and a second one would make them stop at once.
    if (signal !== "SIGINT" || !hasTerminal) for (const child of children) child.kill(signal);
  };
  const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
  for (const signal of signals) process.on(signal, stop);
  try {
    await spreadWork(works, devices, {
      isStopping: () => received !== null,
      run: async ({ slice }, on) => {
        const own = ["run", "--plan", run.folder, "--slice", `${slice}/${works.length}`];
        const all = [...PROGRAM, ...own, ...(python === null ? [] : ["--python", python])];
        const { command, env } = confine(on, all, io.env.CUDA_VISIBLE_DEVICES);
        const [file = "", ...args] = command;
        const names = on.map(({ kind, name }) => `${kind}:${name}`).join(", ");
        io.stderr.write(`slice ${slice} of ${works.length} on ${names}\n`);
        const child = execa(file, args, { cwd: io.cwd, env, reject: false, stdin: "ignore" });
        children.add(child as never);
        const { exitCode, stderr, shortMessage } = await child;
        children.delete(child as never);
        io.stderr.write(`slice ${slice} of ${works.length}: exit code ${exitCode ?? "none"}\n`);
        if (exitCode !== 0) io.stderr.write(`${String(stderr || shortMessage).trimEnd()}\n`);
      },
    });
  } finally {
    for (const signal of signals) process.off(signal, stop);
  }
  return received;
}
