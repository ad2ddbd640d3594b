import type { RunSummary } from "../run/summary-schema.js";

/** Whether any configuration answered several prompts at once: then a rate says whether it is of a row or of all. */
export function haveBatches({ configurations }: Pick<RunSummary, "configurations">): boolean {
  return configurations.some(({ batch_size }) => batch_size > 1);
}
