/** What the command definitions share: the function that adds a command, and options that several commands have. */
import { type Command, InvalidArgumentError, Option } from "@commander-js/extra-typings";
import type { CommandIo } from "../io.js";
import { formatExamples } from "./examples.js";

/** A command with the arguments that its usage names. */
type CommandWith<Usage extends string> = ReturnType<typeof Command.prototype.command<Usage>>;

/** Given to every group of commands; nothing is taken from globals. */
export interface ArgvContext {
  readonly io: CommandIo;
  readonly setExitCode: (code: number) => void;
  /** For hidden commands, which people do not call themselves. */
  readonly program: Command;
  /** Adds a command with its examples. */
  readonly command: <Usage extends string>(
    usage: Usage,
    description: string,
    examples: readonly string[],
  ) => CommandWith<Usage>;
}

/** One line per command for the list of all commands; the help of a command says more. */
const SUMMARIES: Readonly<Record<string, string>> = {
  run: "measure an experiment, or resume a run",
  attach: "follow a run that Slurm measures",
  status: "show the tasks of a Slurm run",
  cancel: "cancel the tasks of a Slurm run",
  schedule: "print a nightly job for a scheduler",
  prune: "list or remove old runs",
  validate: "check an experiment file",
  fetch: "download what a run needs from a hub",
  plan: "show what would be measured",
  fit: "find quantizations that fit in memory",
  compare: "compare runs side by side",
  list: "list runs, newest first",
  show: "print a run's table and verdicts",
  serve: "show runs in the browser",
  history: "follow an experiment over its runs",
  report: "draw a run's tables and charts again",
  export: "export runs for other programs",
  setup: "install and repair what a run needs",
  doctor: "check what this machine can run",
  worker: "measure here for another machine",
  keys: "print this machine's public key",
  init: "write the example experiments",
};

/** Returns the function that adds a command to `program`. */
export function commandMaker(program: Command, io: CommandIo): ArgvContext["command"] {
  return (name, description, examples) =>
    program
      .command(name)
      .summary(SUMMARIES[name.split(" ")[0] ?? ""] ?? description)
      .description(description)
      .exitOverride()
      .addHelpText("after", () => formatExamples(examples, io.program, io.columns));
}

export const collected = (value: string, before: string[] | undefined) => [...(before ?? []), value];

export const jsonOption = new Option("--json", "print one JSON document and nothing else on stdout").default(
  false,
);
export const setOption = new Option("--set <key=value>", "override a key of the file; repeatable")
  .argParser(collected)
  .default([], "none");
export const pythonOption = new Option(
  "--python <path>",
  "use this Python environment instead of the managed one",
).env("FALCON_EXP_PYTHON");
export const memoryOption = new Option("--memory <size>", "memory to fit in, such as 24GB; repeatable")
  .argParser(collected)
  .default([], "this machine's");
export const resultsOption = new Option("--results <folder>", "results folder")
  .default("results")
  .argParser((text) => {
    if (text !== "") return text;
    throw new InvalidArgumentError("It must name a folder.");
  });

export const pollOption = new Option("--poll <seconds>", "with Slurm: seconds between two queries")
  .default(20)
  .argParser(wholeNumber);

/** Parses a whole number from 1. Throws InvalidArgumentError on anything else. */
export function wholeNumber(text: string): number {
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text);
  throw new InvalidArgumentError("It must be a whole number from 1.");
}

/** Parses a port, or 0 for any free one. Throws InvalidArgumentError on anything else. */
export function portNumber(text: string): number {
  if (/^\d{1,5}$/.test(text) && Number(text) <= 65_535) return Number(text);
  throw new InvalidArgumentError("It must be a port: 0 to 65535.");
}

const SECONDS: Readonly<Record<string, number>> = { s: 1, min: 60, h: 3600, d: 86_400 };

/** `24h`, `30min`, `7d` → seconds. Throws InvalidArgumentError on anything else. */
export function periodSec(text: string): number {
  const [, number, unit = ""] = /^(\d{1,6}(?:\.\d+)?)\s*([a-z]+)$/i.exec(text.trim()) ?? [];
  const seconds = Number(number) * (SECONDS[unit.toLowerCase()] ?? 0);
  if (seconds >= 1) return seconds;
  throw new InvalidArgumentError("It must be a period such as 30min, 24h or 7d.");
}

/** `2026-11-01` or `2026-11-01T12:00:00Z`; UTC if no zone is given. Throws InvalidArgumentError on anything else. */
export function dateArgument(text: string): Date {
  const [, day, time = "00:00", zone = "Z"] =
    /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d(?:\.\d+)?)?)(Z|[+-]\d\d:\d\d)?)?$/.exec(text.trim()) ?? [];
  const date = new Date(`${day}T${time}${zone}`);
  if (!Number.isNaN(date.getTime())) return date;
  throw new InvalidArgumentError("It must be a date such as 2026-11-01 or 2026-11-01T12:00Z.");
}
