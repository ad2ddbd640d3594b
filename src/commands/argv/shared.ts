/** What the definitions of commands share: the maker of a command, and options that several have. */
import { type Command, InvalidArgumentError, Option } from "commander";
import type { CommandIo } from "../io.js";

/** Given to every group of commands; nothing is taken from globals. */
export interface ArgvContext {
  readonly io: CommandIo;
  readonly setExitCode: (code: number) => void;
  /** Adds a command with its examples. */
  readonly command: (name: string, description: string, examples: readonly string[]) => Command;
}

/** `argument` → the context's maker of commands. */
export function commandMaker(program: Command): ArgvContext["command"] {
  return (name, description, examples) =>
    program
      .command(name)
      .description(description)
      .exitOverride()
      .addHelpText("after", `\nExamples:\n${examples.map((line) => `  $ falcon-exp ${line}`).join("\n")}`);
}

const collected = (value: string, before: string[] | undefined) => [...(before ?? []), value];

export const jsonOption = new Option("--json", "print one JSON document and nothing else on stdout").default(
  false,
);
export const setOption = new Option("--set <key=value>", "override a key of the file; may be given again")
  .argParser(collected)
  .default([], "none");
export const pythonOption = new Option(
  "--python <path>",
  "use this Python environment instead of the managed one",
).env("FALCON_EXP_PYTHON");
export const memoryOption = new Option("--memory <size>", "judge by this memory, as 24GB; may be given again")
  .argParser(collected)
  .default([], "this machine's");
export const resultsOption = new Option("--results <folder>", "where results lie").default("results");

/** Throws InvalidArgumentError on anything but a whole number from 1. */
export function wholeNumber(text: string): number {
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text);
  throw new InvalidArgumentError("It must be a whole number from 1.");
}

/** Throws InvalidArgumentError on anything but a port, or 0 for any. */
export function portNumber(text: string): number {
  if (/^\d{1,5}$/.test(text) && Number(text) <= 65_535) return Number(text);
  throw new InvalidArgumentError("It must be a port: 0 to 65535.");
}
