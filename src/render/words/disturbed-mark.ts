/** How a figure is marked that says more of the machine than of the configuration. */
import type { ConfigurationSummary } from "../../run/summary-schema.js";

/** Before a figure that other work on the machine decided. */
export const DISTURBED_MARK = "~";

/** Whether no trial was quiet, so that medians of times are of disturbed ones. */
export function isDisturbed({ trials_completed, trials_disturbed }: ConfigurationSummary): boolean {
  return trials_disturbed > 0 && trials_disturbed === trials_completed;
}
