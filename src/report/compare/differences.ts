/** What is not the same on both sides, and what makes a comparison meaningless. */
import { sha256OfText } from "../../base/canonical.js";
import { formatBytes } from "../../base/units.js";
import { quantizationText } from "../../plan/axis-text.js";
import type { RunData } from "../../results/run-data.js";
import type { Side } from "./sides.js";

/** One thing, as each side has it; null where a side does not tell. */
export interface Difference {
  readonly what: string;
  readonly values: readonly (string | null)[];
}

/** What differs of machine, software and program, between runs; empty where all is the same. */
export function environmentDifferences(runs: readonly RunData[]): readonly Difference[] {
  const packages = new Set(runs.flatMap(({ environment }) => Object.keys(environment?.packages ?? {})));
  const things: readonly (readonly [what: string, (run: RunData) => string | null | undefined])[] = [
    ["host", ({ run }) => run.controller.hostname],
    ["CPU", ({ environment }) => environment?.cpu_model],
    ["cores", ({ environment }) => text(environment?.cpu_logical_cores)],
    ["memory", ({ environment }) => bytesText(environment?.memory_total_bytes)],
    ["GPUs", ({ environment }) => environment?.gpus.map(({ name }) => name).join(", ") || "none"],
    ["GPU driver", ({ environment }) => environment?.gpu_driver_version],
    ["CUDA", ({ environment }) => environment?.cuda_version],
    ["torch threads", ({ environment }) => text(environment?.torch_threads)],
    ["platform", ({ environment }) => environment?.platform],
    ["Python", ({ environment }) => environment?.python_version],
    ...[...packages]
      .sort()
      .map((name) => [name, ({ environment }: RunData) => environment?.packages[name]] as const),
    ["falcon-exp", ({ run }) => run.falcon_exp_version],
    ["worker code", ({ environment }) => environment?.worker_code_sha256.slice(0, 12)],
    ["git commit", ({ run }) => run.controller.git_commit?.slice(0, 12)],
  ];
  return differing(things, runs);
}

/** What differs of the configurations themselves, as they really were. */
export function configurationDifferences(sides: readonly Side[]): readonly Difference[] {
  const proof = ({ configuration }: Side) => configuration.load?.load.proof;
  return differing(
    [
      ["model", ({ data }) => data.run.plan.model_name],
      ["quantization", ({ configuration }) => quantizationText(configuration.plan.worker.quantization)],
      ["dtype", (side) => proof(side)?.dtype],
      ["attention", (side) => proof(side)?.attn_implementation],
      [
        "devices",
        (side) => [...new Set(Object.values(proof(side)?.device_map ?? {}))].sort().join(", ") || null,
      ],
      ["compute dtype", (side) => proof(side)?.quantization_effective.compute_dtype],
      ["cures", (side) => proof(side)?.workarounds_applied.join(", ")],
    ],
    sides,
  );
}

/** Why a side cannot be compared with the baseline; empty where it can. */
export function incomparable(baseline: Side, other: Side): readonly string[] {
  const reasons: string[] = [];
  const [ours, theirs] = [promptsOf(baseline), promptsOf(other)];
  if (ours !== theirs) reasons.push("other prompts");
  const work = ({ configuration }: Side) => JSON.stringify(configuration.plan.generation);
  if (work(baseline) !== work(other)) reasons.push("other generation settings");
  const model = ({ configuration }: Side) => configuration.load?.load.model_shape?.parameters ?? null;
  const [own, its] = [model(baseline), model(other)];
  if (own !== null && its !== null && own !== its) reasons.push("another model");
  for (const record of baseline.configuration.quality) {
    const same = other.configuration.quality.find(({ text_id }) => text_id === record.text_id);
    const isOther =
      record.status === "completed" &&
      same?.status === "completed" &&
      record.measurement.token_ids_sha256 !== same.measurement.token_ids_sha256;
    if (isOther) reasons.push(`another text under the name ${record.text_id}`);
  }
  return reasons;
}

function promptsOf({ data }: Side): string {
  return sha256OfText(data.run.prompts.map(({ prompt }) => prompt).join("\0"));
}

function differing<S>(
  things: readonly (readonly [what: string, (side: S) => string | null | undefined])[],
  sides: readonly S[],
): readonly Difference[] {
  return things.flatMap(([what, tellOf]) => {
    const values = sides.map((side) => tellOf(side) ?? null);
    return new Set(values).size > 1 ? [{ what, values }] : [];
  });
}

function text(value: number | null | undefined): string | null {
  return value == null ? null : String(value);
}

function bytesText(value: number | null | undefined): string | null {
  return value == null ? null : formatBytes(value);
}
