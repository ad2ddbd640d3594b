/** What a measurement depends on: two of equal identity may stand for each other. */
import { sha256OfValue } from "../base/canonical.js";
import type { WorkerEnvironment } from "../protocol/measurements.js";
import type { RecordedEnvironment } from "./record-types.js";

type AnyEnvironment = WorkerEnvironment | RecordedEnvironment;

/** A configuration's identity: what the plan knows of it, the software that really ran it, and the kind of machine. */
export function computeIdentity(
  configuration: { readonly inputs_sha256: string },
  environment: AnyEnvironment,
): string {
  const { packages, python_version, worker_code_sha256 } = environment;
  return sha256OfValue({
    inputs_sha256: configuration.inputs_sha256,
    packages,
    python_version,
    worker_code_sha256,
    ...pickMachine(environment),
  });
}

function pickMachine(environment: AnyEnvironment) {
  const { cpu_model, cpu_logical_cores, torch_threads, cuda_version, gpu_driver_version, gpus } = environment;
  return {
    cpu_model,
    cpu_logical_cores,
    torch_threads,
    cuda_version,
    gpu_driver_version,
    gpus: gpus.map(({ name }) => name),
  };
}

/** What changed in the identity, for people: `bitsandbytes 0.49.0 → 0.50.2`; empty when nothing changed. */
export function environmentChanges(before: AnyEnvironment, now: AnyEnvironment): readonly string[] {
  const names = new Set([...Object.keys(before.packages), ...Object.keys(now.packages)]);
  const gpus = (environment: AnyEnvironment) => environment.gpus.map(({ name }) => name).join(", ");
  const things: readonly (readonly [
    what: string,
    read: (environment: AnyEnvironment) => string | number | null | undefined,
  ])[] = [
    ...[...names].sort().map((name) => [name, ({ packages }: AnyEnvironment) => packages[name]] as const),
    ["Python", ({ python_version }) => python_version],
    ["worker code", ({ worker_code_sha256 }) => worker_code_sha256.slice(0, 12)],
    ["CPU", ({ cpu_model }) => cpu_model],
    ["cores", ({ cpu_logical_cores }) => cpu_logical_cores],
    ["torch threads", ({ torch_threads }) => torch_threads],
    ["GPUs", gpus],
    ["GPU driver", ({ gpu_driver_version }) => gpu_driver_version],
    ["CUDA", ({ cuda_version }) => cuda_version],
  ];
  return things.flatMap(([what, read]) => {
    const [then, today] = [read(before) ?? "none", read(now) ?? "none"];
    return then === today ? [] : [`${what} ${then || "none"} → ${today || "none"}`];
  });
}
