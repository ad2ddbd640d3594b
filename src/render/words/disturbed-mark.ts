/** The mark for a figure that says more about the machine than about the configuration. */
import type { ConfigurationSummary } from "../../run/summary-schema.js";

/** Goes before a figure that other work on the machine disturbed. */
export const DISTURBED_MARK = "~";

/** Whether all completed trials were disturbed, so that the medians of times come from disturbed trials. */
export function isDisturbed({ trials_completed, trials_disturbed }: ConfigurationSummary): boolean {
  return trials_disturbed > 0 && trials_disturbed === trials_completed;
}
