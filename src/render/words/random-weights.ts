/** If a model's weights were drawn at random, only its memory and speed mean anything. */
import type { ConfigurationData } from "../../run/run-data.js";

/** The note that is shown with answers and their quality. Null if every model's weights come from files. */
export function describeRandomWeights(
  configurations: readonly Pick<ConfigurationData, "plan">[],
): string | null {
  const random = configurations.filter(({ plan }) => plan.worker.model.source === "random");
  if (random.length === 0) return null;
  if (random.length === configurations.length)
    return "The weights are random: answers and quality mean nothing.";
  const names = random.map(({ plan }) => plan.worker.label).join(", ");
  return `The weights of ${names} are random: their answers and quality mean nothing.`;
}
