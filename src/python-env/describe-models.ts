import { z } from "zod";
import type { WorkerConfiguration } from "../protocol/configuration.js";
import { modelShapeSchema } from "../protocol/measurements.js";
import { lastLines, runPython } from "./python-command.js";
import { type Env, setupError } from "./types.js";

const descriptionSchema = z.object({
  models: z.array(
    z.object({
      shape: modelShapeSchema.nullable(),
      /** For each workaround, the linear layers that it leaves unquantized. */
      kept: z.record(z.string(), z.array(z.string())),
      /** 0 for a model that is already on this machine; null if the hub does not tell. */
      download_bytes: z.number().nullable(),
      download_note: z.string().nullable(),
      error: z.object({ code: z.string(), message: z.string() }).nullable(),
    }),
  ),
  devices: z.array(z.object({ device: z.string(), name: z.string(), memory_bytes: z.number() })),
});
export type ModelDescriptions = z.infer<typeof descriptionSchema>;
export type ModelDescription = ModelDescriptions["models"][number];

/** What the shape of a model depends on, because layers that a load leaves unquantized do not count as quantizable. */
export type DescribedLoad = Pick<
  WorkerConfiguration,
  "model" | "quantization" | "dtype" | "device" | "workarounds"
>;

/**
 * Describes models from their configs alone, in the order given, each with the shape that its load would have, and this
 * machine's memory. Needs Python, but neither a worker nor weights. Throws FalconError `setup-environment-unsuitable` if the
 * interpreter cannot do it.
 */
export async function describeModels(
  python: string,
  request: { readonly loads: readonly DescribedLoad[]; readonly trustRemoteCode: boolean },
  options: { readonly env: Env; readonly pythonPath: string },
): Promise<ModelDescriptions> {
  const input = JSON.stringify({ loads: request.loads, trust_remote_code: request.trustRemoteCode });
  const args = ["-m", "falcon_exp.worker.describe_models"];
  const { failed, stdout, stderr } = await runPython(python, args, { ...options, input });
  if (!failed) return descriptionSchema.parse(JSON.parse(stdout.trimEnd().split("\n").at(-1) ?? ""));
  throw setupError({
    code: "setup-environment-unsuitable",
    message: `${python} could not describe the models:\n${lastLines(stderr)}`,
    next: "Run `falcon-exp doctor` to see what is missing.",
  });
}
