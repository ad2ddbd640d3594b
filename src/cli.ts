/** argv → one command → exit code. A command's module, and all that it needs, loads only when it is called. */
import { Command, CommanderError } from "commander";
import { systemClock } from "./base/clock.js";
import { FalconError } from "./base/errors.js";
import { ExitCode } from "./base/exit-codes.js";
import { falconExpVersion, ignoreEpipe } from "./base/program.js";
import { exportingCommands } from "./commands/argv/exporting.js";
import { installingCommands } from "./commands/argv/installing.js";
import { measuringCommands } from "./commands/argv/measuring.js";
import { readingCommands } from "./commands/argv/reading.js";
import { commandMaker } from "./commands/argv/shared.js";
import type { CommandIo } from "./commands/io.js";

/** Runs the command line; returns the process exit code and never throws. */
export async function main(argv: readonly string[]): Promise<number> {
  const io = systemIo();
  ignoreEpipe(process);
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
  $ falcon-exp list                              the runs so far; show RUN and serve look at them
  $ falcon-exp report quant                      draw the newest run of "quant" again
  $ falcon-exp export quant --to markdown        table and verdicts for a pull request
  $ falcon-exp doctor                            what this machine can run, and what is missing

Exit codes: 0 done · 2 wrong usage · 3 wrong experiment file · 4 partly failed · 5 all failed ·
            6 set-up failed · 7 results cannot be read or written · 8 nothing fits ·
            9 regression · 130 Ctrl-C · 143 SIGTERM · 1 defect`,
    );
  const context = { io, setExitCode, command: commandMaker(program) };
  measuringCommands(context);
  readingCommands(context);
  exportingCommands(context);
  installingCommands(context);
  return program;
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
  io.stderr.write(`falcon-exp: a defect, please report it with what you ran:\n${readStack(error)}\n`);
  return ExitCode.bug;
}

function readStack(error: unknown): string {
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
    // Lines cannot be rewritten on a terminal that does not know its size; such a one says 0.
    stderrIsTty: stderr.isTTY === true && stderr.rows !== 0,
    columns: stdout.columns || stderr.columns || 80,
    color: forced || (!refused && stdoutIsTty && env.TERM !== "dumb"),
    env,
    cwd: process.cwd(),
    clock: systemClock,
  };
}
