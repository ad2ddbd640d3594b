import { existsSync, readFileSync } from "node:fs";
import writeFileAtomic from "write-file-atomic";
import { z } from "zod";

/** The steps of a managed environment, in order. */
export const STEPS = ["venv", "torch", "packages", "model-package", "check"] as const;
/** Made only where an experiment asks for it. */
export const EXTRA_STEPS = ["lm-eval"] as const;
export type Step = (typeof STEPS)[number] | (typeof EXTRA_STEPS)[number];

const stateSchema = z.object({
  done: z.array(z.enum([...STEPS, ...EXTRA_STEPS])),
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
  await writeFileAtomic(path, `${JSON.stringify(state)}\n`);
}
