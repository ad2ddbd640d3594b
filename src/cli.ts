/** argv → one command → exit code. A command's module, and all that it needs, loads only when it is called. */
import { Command, CommanderError, InvalidArgumentError, Option } from "commander";
import { systemClock } from "./base/clock.js";
import { FalconError } from "./base/errors.js";
import { ExitCode } from "./base/exit-codes.js";
import { falconExpVersion } from "./base/version.js";
import type { CommandIo } from "./commands/io.js";

/** Runs the command line; returns the process exit code and never throws. */
export async function main(argv: readonly string[]): Promise<number> {
  const io = systemIo();
  // A reader that closed the pipe (`falcon-exp plan … | head`) has seen enough: not a defect.
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code === "EPIPE") process.exit(ExitCode.ok);
  });
  let exitCode: number = ExitCode.ok;
  const program = buildProgram(io, (code) => {
    exitCode = code;
  });
  try {
    await program.parseAsync([...argv], { from: "user" });
    return exitCode;
  } catch (error) {
    return await report(error, io);
  }
}

function buildProgram(io: CommandIo, setExitCode: (code: number) => void): Command {
  const program = new Command("falcon-exp")
    .description(
      "What does quantizing this language model really cost, and what does it save, on my machine?",
    )
    .version(falconExpVersion(), "-V, --version")
    .exitOverride()
    .showHelpAfterError("(run with --help for usage)")
    .addHelpText(
      "after",
      `
Examples:
  $ falcon-exp run experiments/quant.yaml        measure bf16, 8-bit and 4-bit on this machine
  $ falcon-exp plan experiments/falcon-40b.yaml  show what would run, without Python
  $ falcon-exp fit MODEL --memory 24GB           which quantizations of a model fit
  $ falcon-exp compare quant#none quant#fp4      two configurations of the newest run of "quant"
  $ falcon-exp report quant                      draw the newest run of "quant" again
  $ falcon-exp doctor                            what this machine can run, and what is missing

Exit codes: 0 done · 2 wrong usage · 3 wrong experiment file · 4 partly failed · 5 all failed ·
            6 set-up failed · 7 results cannot be read or written · 8 nothing fits · 130 Ctrl-C · 143 SIGTERM · 1 defect`,
    );
  const command = (name: string, description: string, examples: readonly string[]) =>
    program
      .command(name)
      .description(description)
      .exitOverride()
      .addHelpText("after", `\nExamples:\n${examples.map((line) => `  $ falcon-exp ${line}`).join("\n")}`);
  const json = new Option("--json", "print one JSON document and nothing else on stdout").default(false);
  const set = new Option("--set <key=value>", "override a key of the file; may be given again")
    .argParser((value: string, before: string[] | undefined) => [...(before ?? []), value])
    .default([], "none");
  const python = new Option("--python <path>", "use this Python environment instead of the managed one").env(
    "FALCON_EXP_PYTHON",
  );
  const memory = new Option("--memory <size>", "judge by this memory, as 24GB; may be given again")
    .argParser((value: string, before: string[] | undefined) => [...(before ?? []), value])
    .default([], "this machine's");
  const results = new Option("--results <folder>", "where results lie").default("results");

  command("run <experiment>", "measure every configuration of an experiment file", [
    "run experiments/quant.yaml",
    "run experiments/quant.yaml --set generation.max_new_tokens=8 --set repeats=3",
    "run experiments/falcon-tiny.yaml --json > summary.json",
  ])
    .addOption(set)
    .addOption(python)
    .addOption(results)
    .addOption(json)
    .action(async (file: string, options) => {
      setExitCode(await (await import("./commands/run.js")).run(io, { file, ...options }));
    });
  command("validate <experiment>", "check an experiment file; touches neither Python nor network", [
    "validate experiments/quant.yaml",
    "validate experiments/quant.yaml --set repeats=0",
  ])
    .addOption(set)
    .addOption(json)
    .action(async (file: string, options) => {
      setExitCode(await (await import("./commands/validate.js")).run(io, { file, ...options }));
    });
  command(
    "plan <experiment>",
    "show the expanded plan; without --estimate neither Python nor network is touched",
    [
      "plan experiments/quant.yaml",
      "plan experiments/quant.yaml --estimate           memory by parts, without weights",
      "plan experiments/quant.yaml --estimate --memory 24GB --memory 80GB",
      "plan experiments/falcon-40b.yaml --json | jq '.configurations[].label'",
    ],
  )
    .addOption(set)
    .option("--estimate", "say what memory each configuration will take, and whether it fits", false)
    .addOption(memory)
    .addOption(python)
    .addOption(results)
    .addOption(json)
    .action(async (file: string, options) => {
      setExitCode(await (await import("./commands/plan.js")).run(io, { file, ...options }));
    });
  command(
    "fit <model>",
    "say which quantizations of a model fit into so much memory, and the longest context",
    [
      "fit smollm2-135m-instruct --memory 1GB",
      "fit experiments/configs/falcon-40b.json --memory 48GB --context 2048",
      "fit tiiuae/falcon-7b-instruct --memory 24GiB --json",
    ],
  )
    .requiredOption("--memory <size>", "memory to fit into, as 24GB or 24GiB")
    .addOption(
      new Option("--context <tokens>", "prompt and answer together").default(2048).argParser(wholeNumber),
    )
    .addOption(
      new Option("--dtype <dtype>", "of what is not quantized")
        .choices(["auto", "bfloat16", "float16", "float32"])
        .default("auto"),
    )
    .option("--cpu", "without the memory that a CUDA context takes", false)
    .addOption(python)
    .addOption(json)
    .action(async (model: string, options) => {
      setExitCode(await (await import("./commands/fit.js")).run(io, { model, ...options }));
    });
  command("compare <first> <others...>", "set runs, or configurations of them (RUN#LABEL), side by side", [
    "compare results/quant/20261123T020000Z-1f3a results/quant/20261124T020000Z-88b1",
    "compare quant#none quant#fp4",
    "compare quant /mnt/other-machine/results/quant --markdown > comment.md",
    "compare quant quality --force --chart compare.png",
  ])
    .addOption(results)
    .option("--force", "compare what was measured with other prompts, texts or settings all the same", false)
    .option("--markdown", "print Markdown", false)
    .option("--chart <file>", "draw it: a file that ends in .png, .svg or .vl.json")
    .addOption(json)
    .action(async (first: string, others: string[], options) => {
      const args = { sides: [first, ...others], ...options };
      setExitCode(await (await import("./commands/compare.js")).run(io, args));
    });
  command("report <run>", "draw tables and charts again, from the records alone", [
    "report quant                              the newest run of this experiment",
    "report results/quant/20261124T023746Z-a1b2",
  ])
    .addOption(results)
    .addOption(json)
    .action(async (run: string, options) => {
      setExitCode(await (await import("./commands/report.js")).run(io, { run, ...options }));
    });
  command("setup", "make the Python environment and the embedded model, once", [
    "setup",
    "setup --no-model          only the Python environment",
    "setup --lm-eval           with lm-evaluation-harness",
    "setup --python /opt/lab/venv/bin/python",
  ])
    .addOption(python)
    .option("--no-model", "do not prepare the embedded model")
    .option("--lm-eval", "install lm-evaluation-harness too (quality.lm_eval)", false)
    .addOption(json)
    .action(async (options) => {
      setExitCode(await (await import("./commands/setup.js")).run(io, options));
    });
  command("doctor", "say what this machine can run, and what is missing", ["doctor", "doctor --json"])
    .addOption(python)
    .addOption(json)
    .action(async (options) => {
      setExitCode(await (await import("./commands/doctor.js")).run(io, options));
    });
  command("init [folder]", "write the example experiments into ./experiments", ["init", "init lab --force"])
    .option("--force", "overwrite example files that were changed", false)
    .addOption(json)
    .action(async (folder: string | undefined, options) => {
      setExitCode(await (await import("./commands/init.js")).run(io, { dir: folder ?? ".", ...options }));
    });
  return program;
}

/** Throws InvalidArgumentError on anything but a whole number from 1. */
function wholeNumber(text: string): number {
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text);
  throw new InvalidArgumentError("It must be a whole number from 1.");
}

async function report(error: unknown, io: CommandIo): Promise<number> {
  if (error instanceof CommanderError) {
    // Commander has printed its message; help and version are no errors.
    return error.exitCode === 0 ? ExitCode.ok : ExitCode.usage;
  }
  if (error instanceof FalconError) {
    const { renderError } = await import("./base/render-error.js");
    io.stderr.write(`${renderError(error, { color: io.color })}\n`);
    return error.exitCode ?? ExitCode.usage;
  }
  io.stderr.write(`falcon-exp: a defect, please report it with what you ran:\n${stackOf(error)}\n`);
  return ExitCode.bug;
}

function stackOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

function systemIo(): CommandIo {
  const { stdout, stderr, env } = process;
  const stdoutIsTty = stdout.isTTY === true;
  const forced = env.FORCE_COLOR !== undefined && env.FORCE_COLOR !== "0";
  const refused = env.NO_COLOR !== undefined && env.NO_COLOR !== "";
  return {
    stdout,
    stderr,
    stdoutIsTty,
    stderrIsTty: stderr.isTTY === true,
    columns: stdout.columns ?? stderr.columns ?? 80,
    color: forced || (!refused && stdoutIsTty && env.TERM !== "dumb"),
    env,
    cwd: process.cwd(),
    clock: systemClock,
  };
}
