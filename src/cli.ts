/** argv → one command → exit code. A command's module, and all that it needs, loads only when it is called. */
import { resolve } from "node:path";
import { setImmediate } from "node:timers/promises";
import { Command, CommanderError } from "@commander-js/extra-typings";
import { asCalled, findProgramName } from "./base/as-called.js";
import { writeAscii } from "./base/ascii.js";
import { systemClock } from "./base/clock.js";
import { FalconError } from "./base/errors.js";
import { ExitCode } from "./base/exit-codes.js";
import { falconExpVersion, watchOutput } from "./base/program.js";
import { formatExamples, wrapWords } from "./commands/argv/examples.js";
import { exportingCommands } from "./commands/argv/exporting.js";
import { installingCommands } from "./commands/argv/installing.js";
import { measuringCommands } from "./commands/argv/measuring.js";
import { readingCommands } from "./commands/argv/reading.js";
import { commandMaker } from "./commands/argv/shared.js";
import type { CommandIo } from "./commands/io.js";
import { canShowBlocks } from "./render/terminal/picture/picture-kind.js";

/** Runs the command line; returns the process exit code and never throws. */
export async function main(argv: readonly string[]): Promise<number> {
  const io = systemIo();
  const output = watchOutput(process);
  let exitCode: number = ExitCode.ok;
  const program = buildProgram(io, (code) => {
    exitCode = code;
  });
  try {
    await program.parseAsync([...argv], { from: "user" });
    // A stream reports an error only after the write that caused it has returned.
    await setImmediate();
    const lost = output.lostOutput();
    if (lost !== null && exitCode === ExitCode.ok) throw outputLost(lost);
    return exitCode;
  } catch (error) {
    return await report(error, io);
  }
}

const EXAMPLES = [
  "run experiments/quant.yaml        bf16, 8-bit and 4-bit",
  "plan experiments/falcon-40b.yaml  without Python",
  "fit MODEL --memory 24GB           which quantizations fit",
  "compare quant#none quant#fp4      of the newest run",
  "list                              the runs so far",
  "report quant                      draw the newest run again",
  "export quant --to markdown        for a pull request",
  "doctor                            what is missing here",
];
const EXIT_CODES =
  "Exit codes: 0 done · 2 wrong usage · 3 wrong experiment file · 4 partly failed · 5 all failed · 6 set-up failed · 7 results cannot be read or written · 8 nothing fits · 9 regression · 10 scheduled run missed · 130 Ctrl-C · 143 SIGTERM · 1 defect";

/** Formats a mistake in the command line like every other error. */
function describeUsage(text: string, io: CommandIo): string {
  const [first = "", ...rest] = text
    .trim()
    .replace(/^error: /, "")
    .split("\n");
  const meant = /^\((Did you mean .*\?)\)$/.exec(rest.join(" "))?.[1];
  const code = `${io.color ? "\u001b[31m" : ""}error usage-invalid${io.color ? "\u001b[39m" : ""}`;
  return `${code}: ${first.charAt(0).toUpperCase()}${first.slice(1)}\n  next: ${meant ?? `See ${io.program} --help.`}`;
}

function buildProgram(io: CommandIo, setExitCode: (code: number) => void): Command {
  const program = new Command("falcon-exp")
    .description("Measure what quantizing a language model saves and costs, on your own machine")
    .version(falconExpVersion(), "-V, --version")
    .exitOverride()
    .configureHelp({ helpWidth: io.columns, minWidthToWrap: 20, subcommandTerm: (command) => command.name() })
    .configureOutput({ outputError: (text, write) => write(`${describeUsage(text, io)}\n`) })
    .addHelpText("after", () => formatExamples(EXAMPLES, io.program, io.columns))
    .addHelpText("after", () => ["", ...wrapWords(EXIT_CODES, io.columns)].join("\n"));
  const context = { io, setExitCode, program, command: commandMaker(program, io) };
  measuringCommands(context);
  readingCommands(context);
  exportingCommands(context);
  installingCommands(context);
  return program;
}

async function report(error: unknown, io: CommandIo): Promise<number> {
  if (error instanceof CommanderError) {
    // Commander has already printed its message; help and version are not errors.
    return error.exitCode === 0 ? ExitCode.ok : ExitCode.usage;
  }
  if (error instanceof FalconError) {
    const { renderError } = await import("./base/render-error.js");
    io.stderr.write(`${asCalled(renderError(error, { color: io.color }), io.program)}\n`);
    return error.exitCode ?? ExitCode.usage;
  }
  io.stderr.write(
    `falcon-exp: internal error. Please report it together with the command you ran:\n${readStack(error)}\n`,
  );
  return ExitCode.bug;
}

function outputLost(reason: string): FalconError {
  return new FalconError({
    code: "output-write-failed",
    message: `The output is incomplete: ${reason}`,
    next: "Free space on that disk; measurements and charts are in the results folder.",
    exitCode: ExitCode.resultsFailed,
  });
}

function readStack(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

function systemIo(): CommandIo {
  const { stdout, stderr, env } = process;
  // A relative path would be another folder for programs that are started elsewhere.
  if (env.TMPDIR !== undefined && env.TMPDIR !== "") env.TMPDIR = resolve(env.TMPDIR);
  const stdoutIsTty = stdout.isTTY === true;
  if (!canShowBlocks(env)) for (const stream of [stdout, stderr]) if (stream.isTTY) writeAscii(stream);
  const forced = env.FORCE_COLOR !== undefined && env.FORCE_COLOR !== "0";
  const refused = env.NO_COLOR !== undefined && env.NO_COLOR !== "";
  return {
    stdout,
    stderr,
    stdoutIsTty,
    // Lines cannot be rewritten on a terminal that does not know its size; such a terminal reports 0 rows.
    stderrIsTty: stderr.isTTY === true && stderr.rows !== 0,
    columns: stdout.columns || stderr.columns || Number(env.COLUMNS) || 80,
    color: forced || (!refused && stdoutIsTty && env.TERM !== "dumb"),
    env,
    program: findProgramName({ env, script: process.argv[1] ?? "", cwd: process.cwd() }),
    cwd: process.cwd(),
    clock: systemClock,
  };
}
