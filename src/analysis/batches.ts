import type { RunSummary } from "../run/summary-schema.js";

/** Whether any configuration answered several prompts at once: then a rate says whether it is of a row or of all. */
export function haveBatches({ configurations }: Pick<RunSummary, "configurations">): boolean {
  return configurations.some(({ batch_size }) => batch_size > 1);
}

/** Whether any configuration asks for a kind of cache, or for one that is filled before. */
export function haveCaches({ configurations }: Pick<RunSummary, "configurations">): boolean {
  return configurations.some(({ cache, depth }) => cache != null || depth != null);
}
