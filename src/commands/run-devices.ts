/** `falcon-exp run --devices`: a plan over several devices of this machine, one worker a device at a time. */
import { join, resolve } from "node:path";
import { execa } from "execa";
import { FalconError } from "../base/errors.js";
import { ExitCode } from "../base/exit-codes.js";
import { pluralize } from "../base/text.js";
import {
  confine,
  countDevices,
  type Device,
  parseDevices,
  spreadWork,
  type Work,
} from "../executor/devices.js";
import { planText } from "../plan/plan-file.js";
import type { Plan } from "../plan/plan-types.js";
import { dealParts, splitPlan } from "../plan/slices.js";
import { writeReport } from "../render/write-report.js";
import { freezeRun } from "../run/frozen-run.js";
import type { RunPaths } from "../run/paths.js";
import { writeResultFile } from "../run/result-file.js";
import { removeLogprobs } from "../run/task-folders.js";
import { chooseExitCode } from "./choose-exit-code.js";
import { type ConfigurationEstimate, estimatePlan } from "./estimate-plan.js";
import { newRunPaths } from "./freeze-experiment.js";
import type { CommandIo } from "./io.js";
import { loadPlan } from "./load-plan.js";
import { printJson } from "./print-json.js";
import { printResult } from "./print-result.js";
import type { RunArgs } from "./run-args.js";
import { PROGRAM } from "./slurm-program.js";

/** Slots that are this much slower together than alone disturb each other. */
const LEAST_SPEED_SHARE = 0.9;

/** Throws FalconError: the loader's, the folder's, `devices-invalid`. */
export async function runDevices(
  io: CommandIo,
  args: RunArgs & { readonly devices: string },
): Promise<number> {
  const devices = readDevices(args);
  const { experiment, text, plan } = await loadPlan(io, { file: args.file ?? "", set: args.set });
  const run = newRunPaths(io, experiment.name, resolve(io.cwd, args.results));
  const estimates = await estimatePlan(io, plan, {
    python: args.python || null,
    results: args.results,
    memory: [],
  });
  const works = predictWork(plan, estimates, devices);
  await freezeRun(run, { experimentText: text, planText: planText(plan) });
  await tellInterference(io, run, devices);
  const signal = await measureAll(io, run, works, { devices, python: args.python || null });
  if (plan.header.quality?.keep_logprobs !== true) await removeLogprobs(run);
  const { summary, data, warnings } = await writeReport(run);
  for (const warning of warnings) io.stderr.write(`warning: ${warning}\n`);
  if (args.json) printJson(io, summary);
  else await printResult(io, { data, summary, paths: run });
  return chooseExitCode(data.end?.status ?? "interrupted", signal);
}

function readDevices({ devices: text, file, resume, reuse, failOn }: RunArgs & { readonly devices: string }) {
  const devices = parseDevices(text);
  if (devices !== null && file !== undefined && resume === undefined && !reuse && failOn.length === 0)
    return devices;
  throw new FalconError({
    code: "devices-invalid",
    message:
      devices === null
        ? `${JSON.stringify(text)} is no list of devices.`
        : "--devices is for a new run of an experiment file, without --reuse and --fail-on.",
    next: "Write cards as cuda:0,cuda:1, or sets of cores as cpu:0-3,cpu:4-7; what is left of such a run: falcon-exp run --resume RUN.",
    exitCode: ExitCode.usage,
  });
}

/** A slice a part: what is compared stays together, on one device or on as many as it needs. */
function predictWork(
  plan: Plan,
  estimates: readonly ConfigurationEstimate[],
  devices: readonly Device[],
): readonly Work[] {
  const byId = new Map(estimates.map((one) => [one.id, one]));
  const parts = splitPlan(plan);
  return dealParts(parts, parts.length).map((own, slice) => {
    const all = own.flatMap(({ configurations }) =>
      configurations.flatMap(({ worker }) => byId.get(worker.id) ?? []),
    );
    const bytes = all.flatMap(({ estimate }) => estimate?.total_bytes ?? []);
    const memory = all.flatMap(({ fits }) =>
      fits.flatMap((one) => (isOf(devices, one) ? one.memory_bytes : [])),
    );
    const trials = own.reduce((sum, part) => sum + part.trials.length, 0);
    const seconds = all.flatMap(({ last_elapsed_sec }) => last_elapsed_sec ?? []);
    return {
      slice,
      devices: countDevices(
        bytes.length === 0 ? null : Math.max(...bytes),
        memory.length === 0 || devices[0]?.kind === "cpu" ? null : Math.min(...memory),
        devices.length,
      ),
      // As the newest run took them, where all of them were measured; else as many trials, of as many bytes.
      time:
        seconds.length === all.length && seconds.length > 0
          ? seconds.reduce((sum, one) => sum + one, 0)
          : trials * Math.max(1, ...bytes),
    };
  });
}

function isOf(devices: readonly Device[], { device }: { readonly device: string }): boolean {
  return devices.some(({ kind, name }) => device === `${kind}:${name}` || device === kind);
}

/** What one slot loses by the others, measured before anything else: a second alone, a second together. */
async function tellInterference(io: CommandIo, run: RunPaths, devices: readonly Device[]): Promise<void> {
  const measure = async (device: Device) => {
    const { command, env } = confine([device], [...PROGRAM, "slot-speed"]);
    const [file = "", ...args] = command;
    const { stdout, failed } = await execa(file, args, { reject: false, env });
    return failed ? null : Number(stdout);
  };
  const alone: (number | null)[] = [];
  for (const device of devices) alone.push(await measure(device));
  const together = await Promise.all(devices.map(measure));
  const shares = devices.map(
    (_, index) => (together[index] ?? 0) / (alone[index] ?? Number.POSITIVE_INFINITY),
  );
  const slots = devices.map(({ kind, name }, index) => ({
    device: `${kind}:${name}`,
    alone_bytes_per_sec: alone[index] ?? null,
    together_bytes_per_sec: together[index] ?? null,
  }));
  await writeResultFile(
    join(run.folder, "devices.json"),
    `${JSON.stringify({ schema_version: 1, slots }, null, 2)}\n`,
  );
  const least = Math.min(...shares);
  const percent = `${(least * 100).toFixed(0)} %`;
  io.stderr.write(
    least < LEAST_SPEED_SHARE
      ? `WARNING: slots disturb each other: one reads memory at ${percent} of its speed alone while all do. Compare what was measured on one device alone, or use fewer.\n`
      : `${pluralize(devices.length, "slot")}: each reads memory at ${percent} or more of its speed alone while all do.\n`,
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
  const stop = (signal: NodeJS.Signals) => {
    received ??= signal;
    // A terminal gives Ctrl-C to all of them itself, and a second one would mean more.
    if (signal !== "SIGINT") for (const child of children) child.kill(signal);
  };
  const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
  for (const signal of signals) process.on(signal, stop);
  try {
    await spreadWork(works, devices, {
      isStopping: () => received !== null,
      run: async ({ slice }, on) => {
        const own = ["run", "--plan", run.folder, "--slice", `${slice}/${works.length}`];
        const { command, env } = confine(on, [
          ...PROGRAM,
          ...own,
          ...(python === null ? [] : ["--python", python]),
        ]);
        const [file = "", ...args] = command;
        const names = on.map(({ kind, name }) => `${kind}:${name}`).join(", ");
        io.stderr.write(`slice ${slice} of ${works.length} on ${names}\n`);
        const child = execa(file, args, { cwd: io.cwd, env, reject: false, stdin: "ignore" });
        children.add(child as never);
        const { exitCode, stderr } = await child;
        children.delete(child as never);
        io.stderr.write(`slice ${slice} of ${works.length}: exit code ${exitCode ?? "none"}\n`);
        if (exitCode !== 0) io.stderr.write(`${String(stderr).trimEnd()}\n`);
      },
    });
  } finally {
    for (const signal of signals) process.off(signal, stop);
  }
  return received;
}
