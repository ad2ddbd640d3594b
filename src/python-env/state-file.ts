import { existsSync, readFileSync } from "node:fs";
import { z } from "zod";
import { writeWholeFile } from "../base/io.js";
import { METHOD_EXTRAS, type MethodExtra } from "../quantization/extras.js";

/** The steps of a managed environment, in order. */
export const STEPS = ["venv", "torch", "packages", "model-package", "check"] as const;
/** Packages that only some experiments and exports need: installed when first asked for, each as a step of its own. */
export type Extra = "lm-eval" | "mlflow" | "peft" | MethodExtra;
/** By the name of the lock: the name that people know. */
export const EXTRA_NAMES: Readonly<Record<Extra, string>> = {
  "lm-eval": "lm-evaluation-harness",
  mlflow: "MLflow's client",
  peft: "peft",
  ...METHOD_EXTRAS,
};
export const EXTRAS = Object.keys(EXTRA_NAMES) as readonly Extra[];
export type Step = (typeof STEPS)[number] | Extra;

const stateSchema = z.object({
  // A later version may know more steps; what it made stays, and this version ignores it.
  done: z.array(z.string()),
  python_version: z.string(),
});
export type SetupState = z.infer<typeof stateSchema>;

/** What an earlier set-up finished; nothing if there was none or if its file is damaged. */
export function readState(path: string): SetupState {
  const nothing: SetupState = { done: [], python_version: "" };
  if (!existsSync(path)) return nothing;
  try {
    return stateSchema.parse(JSON.parse(readFileSync(path, "utf8")));
  } catch {
    return nothing;
  }
}

export async function writeState(path: string, state: SetupState): Promise<void> {
  await writeWholeFile(path, `${JSON.stringify(state)}\n`);
}
