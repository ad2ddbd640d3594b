import { safeLine } from "../../../base/text.js";
import { BYTES_PER_GB } from "../../../base/units.js";
import { chooseMemoryMetric, memoryName } from "../../../metrics/memory.js";
import type { ConfigurationData } from "../../../run/run-data.js";
import { recordedName, shownName } from "../../words/names.js";
import { describeStatus } from "../../words/status.js";
import type { ArticleChartInput } from "../article.js";

/** Returns the data that one configuration's chart is drawn from. */
export function articleChartInput(modelName: string, configuration: ConfigurationData): ArticleChartInput {
  const completed = configuration.trials.filter((trial) => trial.status === "completed");
  const metric = chooseMemoryMetric(completed.map((trial) => trial.measurement));
  return {
    configuration: configuration.plan.worker.id,
    model: safeLine(modelName),
    label: shownName(recordedName(configuration)),
    memoryAxis: `${memoryName(metric)} (GB)`,
    emptyNote: describeStatus(configuration),
    rows: configuration.trials.map((trial) => {
      const run = trial.trial_index + 1;
      const asked = { prompt: safeLine(trial.prompt_id), repeat: trial.repeat + 1 };
      if (trial.status === "failed") {
        return { run, ...asked, memory_gb: null, elapsed_sec: null, failure: safeLine(trial.failure.code) };
      }
      const bytes = metric === null ? null : trial.measurement[metric];
      const { elapsed_sec } = trial.measurement;
      return {
        run,
        ...asked,
        memory_gb: bytes === null ? null : bytes / BYTES_PER_GB,
        elapsed_sec,
        failure: null,
      };
    }),
  };
}
