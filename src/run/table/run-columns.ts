/** Columns that are the same in every row of a run. */
import type { ModelSource } from "../../protocol/configuration.js";
import { always, column, type RowSource, type TableColumn } from "./column.js";

/** Version of the table, not of the records: raised when a column changes its meaning, not when one is added. */
export const TABLE_SCHEMA_VERSION = 1;

const readPackageVersion =
  (name: string) =>
  ({ data }: RowSource) =>
    data.environment?.packages[name];

function nameModelSource(model: ModelSource): string | null {
  switch (model.source) {
    case "builtin":
      return model.name;
    case "path":
      return model.path;
    case "hub":
      return model.revision === null ? model.repo : `${model.repo}@${model.revision}`;
    case "adapted":
      return nameModelSource(model.base);
    case "random":
      return null;
  }
}

export const RUN_COLUMNS: readonly TableColumn[] = [
  always(column.int64("schema_version", "version of this table", () => TABLE_SCHEMA_VERSION)),
  always(column.string("run_id", "the run, the name of its folder", ({ data }) => data.run.run_id)),
  always(column.timestamp("started_at", "when the run began (UTC)", ({ data }) => data.run.at)),
  always(column.string("experiment", "the experiment's name", ({ data }) => data.run.plan.experiment)),
  always(
    column.string(
      "model",
      "the configuration's model, by a name that is unique in the run",
      ({ data, configuration }) => configuration.plan.axes.model ?? data.run.plan.model_name,
    ),
  ),
  column.string(
    "model_source",
    "its folder or hub repository; null if weights were drawn",
    ({ configuration }) => nameModelSource(configuration.plan.worker.model),
  ),
  always(
    column.string(
      "falcon_exp_version",
      "the falcon-exp that measured",
      ({ data }) => data.run.falcon_exp_version,
    ),
  ),
  always(
    column.string(
      "hostname",
      "the machine that measured; of older records of several machines, all of them",
      ({ data, configuration }) => configuration.load?.hostname ?? data.run.controller.hostname,
    ),
  ),
  column.string(
    "git_commit",
    "of the folder where the run began",
    ({ data }) => data.run.controller.git_commit,
  ),
  column.string("cpu_model", "the machine's CPU", ({ data }) => data.environment?.cpu_model),
  column.string("gpus", "names of the machine's GPUs, separated by `, `; empty without GPUs", ({ data }) =>
    data.environment?.gpus.map(({ name }) => name).join(", "),
  ),
  column.string(
    "gpu_driver_version",
    "the GPU's driver; null without",
    ({ data }) => data.environment?.gpu_driver_version,
  ),
  column.string("torch_version", "library that computed", readPackageVersion("torch")),
  column.string(
    "transformers_version",
    "library that loaded and generated",
    readPackageVersion("transformers"),
  ),
  column.string("bitsandbytes_version", "library that quantized", readPackageVersion("bitsandbytes")),
];
