/** Commands that hand results to other programs. A command's module loads only when it is called. */
import { Option } from "@commander-js/extra-typings";
import { DOCUMENT_FORMATS } from "../../render/export/formats.js";
import { type ArgvContext, pythonOption, resultsOption } from "./shared.js";

export function exportingCommands({ io, setExitCode, command }: ArgvContext): void {
  command("export [runs...]", "export runs to files for other programs, or to MLflow", [
    "export quant --to csv -o trials.csv                    the newest run of this experiment",
    "export --all --to parquet -o all.parquet               every run of every experiment, as one table",
    "export quant --all --to json | jq '.summaries[].status'",
    "export quant --to markdown > comment.md                table and verdicts, for a pull request",
    "export quant --to model-card > card.md                 with the model-index that the hub reads",
    "export quant --to benchmark-action -o bench            two files, for charts over commits",
    "export quant --to hub-dataset -o dataset               a folder that can be uploaded",
    "export quant --to mlflow --tracking-uri http://server:5000",
    "export --all --to mlflow --tracking-uri sqlite:///mlflow.db",
  ])
    .addOption(
      new Option("--to <format>", "what to write")
        .choices([...DOCUMENT_FORMATS, "mlflow"])
        .makeOptionMandatory(),
    )
    .option("--all", "every run of the named experiments, or of the results folder", false)
    .option("-o, --output <file>", "the file, or folder, to write; - is stdout", "-")
    .addOption(resultsOption)
    .addOption(new Option("--tracking-uri <uri>", "mlflow: its server or store").env("MLFLOW_TRACKING_URI"))
    .option("--mlflow-experiment <name>", "mlflow: put all runs into this MLflow experiment")
    .addOption(pythonOption)
    .action(async (runs: string[], options) => {
      setExitCode(await (await import("../export.js")).run(io, { runs, ...options }));
    });
}
