/** Commands that prepare and examine this machine. A command's module loads only when it is called. */
import { type ArgvContext, jsonOption, pythonOption } from "./shared.js";

export function installingCommands({ io, setExitCode, command }: ArgvContext): void {
  command("setup", "make the Python environment and the embedded model, once", [
    "setup",
    "setup --no-model          only the Python environment",
    "setup --lm-eval           with lm-evaluation-harness",
    "setup --mlflow            with MLflow's client",
    "setup --peft              with peft, for adapters",
    "setup --quantizers        with torchao, optimum-quanto and compressed-tensors",
    "setup --python /opt/lab/venv/bin/python",
  ])
    .addOption(pythonOption)
    .option("--no-model", "do not prepare the embedded model")
    .option("--lm-eval", "install lm-evaluation-harness too (quality.lm_eval)", false)
    .option("--mlflow", "install MLflow's client too (export --to mlflow)", false)
    .option("--peft", "install peft too (a model's adapter)", false)
    .option("--quantizers", "install the libraries of all quantization methods too", false)
    .addOption(jsonOption)
    .action(async (options) => {
      setExitCode(await (await import("../setup.js")).run(io, options));
    });
  command("doctor", "say what this machine can run, and what is missing", ["doctor", "doctor --json"])
    .addOption(pythonOption)
    .addOption(jsonOption)
    .action(async (options) => {
      setExitCode(await (await import("../doctor.js")).run(io, options));
    });
  command("worker", "let a falcon-exp on another machine measure on this one (docs/remote.md)", [
    "worker --listen tcp://127.0.0.1:5599 --allow PUBLIC_KEY",
  ])
    .requiredOption("--listen <address>", "tcp://ADDRESS:PORT of this machine")
    .requiredOption(
      "--allow <key>",
      "public key of the machine that may measure here (printed by `keys` there)",
    )
    .option("--no-model", "do not prepare the embedded model")
    .addOption(pythonOption)
    .action(async (options) => {
      setExitCode(await (await import("../worker.js")).run(io, options));
    });
  command("keys", "print this machine's public key, made the first time", ["keys"])
    .addOption(jsonOption)
    .action(async (options) => {
      setExitCode(await (await import("../keys.js")).run(io, options));
    });
  command("init [folder]", "write the example experiments into ./experiments", ["init", "init lab --force"])
    .option("--force", "overwrite example files that were changed", false)
    .addOption(jsonOption)
    .action(async (folder: string | undefined, options) => {
      setExitCode(await (await import("../init.js")).run(io, { dir: folder ?? ".", ...options }));
    });
}
