import { pluralize, safeLine } from "../../base/text.js";
import { type ConfigurationData, findFailure } from "../../run/run-data.js";

/** The state of a configuration that did not simply complete, in a few words: `failed: model-not-found`. */
export function describeStatus(configuration: ConfigurationData): string {
  const { status, outcome, trials } = configuration;
  const failure = findFailure(configuration);
  switch (status) {
    case "completed":
      return failure === null ? "completed" : `trials failed: ${safeLine(failure.code)}`;
    case "failed":
      return `failed: ${safeLine(failure?.code ?? "unknown")}`;
    case "cancelled":
      return outcome?.status === "cancelled" ? `cancelled: ${safeLine(outcome.reason)}` : "cancelled";
    case "skipped":
      return outcome?.status === "skipped" ? `skipped: ${safeLine(outcome.reason)}` : "skipped";
    case "interrupted":
      return `interrupted after ${pluralize(trials.length, "trial")}`;
    case "not_run":
      return "not run";
  }
}
