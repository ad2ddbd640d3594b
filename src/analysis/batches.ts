import type { RunSummary } from "../run/summary-schema.js";

/**
 * Whether any configuration answered several prompts at once, so that each rate must say whether it is per row or for all rows.
 */
export function haveBatches({ configurations }: Pick<RunSummary, "configurations">): boolean {
  return configurations.some(({ batch_size }) => batch_size > 1);
}

/** Whether any configuration asks for a kind of cache, or for a cache that is filled before each trial. */
export function haveCaches({ configurations }: Pick<RunSummary, "configurations">): boolean {
  return configurations.some(({ cache, depth }) => cache != null || depth != null);
}
