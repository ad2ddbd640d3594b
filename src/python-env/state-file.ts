import { existsSync, readFileSync } from "node:fs";
import { z } from "zod";
import { writeWholeFile } from "../base/io.js";
import { METHOD_EXTRAS, type MethodExtra } from "../quantization/extras.js";

/** The steps of a managed environment, in order. */
export const STEPS = ["venv", "torch", "packages", "model-package", "check"] as const;
/** What only some experiments and exports need: installed when first asked for, each a step of its own. */
export type Extra = "lm-eval" | "mlflow" | "peft" | MethodExtra;
/** By name of their locks: what people know them by. */
export const EXTRA_NAMES: Readonly<Record<Extra, string>> = {
  "lm-eval": "lm-evaluation-harness",
  mlflow: "MLflow's client",
  peft: "peft",
  ...METHOD_EXTRAS,
};
export const EXTRAS = Object.keys(EXTRA_NAMES) as readonly Extra[];
export type Step = (typeof STEPS)[number] | Extra;

const stateSchema = z.object({
  // A later version may know more steps: what it made stays, and is none of this one's business.
  done: z.array(z.string()),
  python_version: z.string(),
});
export type SetupState = z.infer<typeof stateSchema>;

/** What an earlier set-up finished; nothing where there was none or its file is damaged. */
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
