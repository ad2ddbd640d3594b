import { asCalled } from "../base/as-called.js";
import { ExitCode } from "../base/exit-codes.js";
import { safeLine, wrapText } from "../base/text.js";
import { runList } from "../render/terminal/run-list.js";
import { indexRuns, type RunIndexEntry } from "../run/run-index.js";
import type { CommandIo } from "./io.js";
import { printJson } from "./print-json.js";
import { findResultsFolder } from "./results-folder.js";

export interface ListArgs {
  readonly results: string;
  readonly experiment?: string;
  /** If undefined: all of them as JSON, a screenful as a table. */
  readonly limit?: number;
  readonly json: boolean;
}

const LIST_SCHEMA_VERSION = 1;
const SCREENFUL = 20;

/** `falcon-exp list`: lists the runs under the results folder, newest first. */
export async function run(io: CommandIo, args: ListArgs): Promise<number> {
  const folder = await findResultsFolder(args.results, io.cwd);
  const unreadable: string[] = [];
  const all = await indexRuns({ folder, onUnreadable: (path) => void unreadable.push(path) });
  for (const path of unreadable.sort()) io.stderr.write(`warning: cannot be read: ${safeLine(path)}\n`);
  const runs = all.filter(({ experiment }) => experiment === (args.experiment ?? experiment));
  if (args.json) {
    printJson(io, {
      schema_version: LIST_SCHEMA_VERSION,
      results: folder,
      runs_found: runs.length,
      runs: runs.slice(0, args.limit),
    });
    return ExitCode.ok;
  }
  const say = (text: string) => io.stdout.write(`${wrapText(text, io.columns).join("\n")}\n`);
  if (runs.length === 0) {
    say(asCalled(nothingFound(folder, all, args.experiment), io.program));
    return ExitCode.ok;
  }
  const shown = runs.slice(0, args.limit ?? SCREENFUL);
  io.stdout.write(`${runList(shown, io)}\n`);
  const older = runs.length - shown.length;
  say(
    `${older === 0 ? "" : `… and ${older} older (--limit ${runs.length}). `}Look at one: ${io.program} show ${safeLine(shown[0]?.path ?? "")}`,
  );
  return ExitCode.ok;
}

function nothingFound(folder: string, all: readonly RunIndexEntry[], experiment: string | undefined): string {
  if (all.length === 0 || experiment === undefined) {
    return `No runs in ${safeLine(folder)} yet. Start one: falcon-exp run experiments/quant.yaml (or name the results folder: --results FOLDER).`;
  }
  const known = [...new Set(all.map((entry) => safeLine(entry.experiment)))].sort();
  return `No runs of ${JSON.stringify(safeLine(experiment))} in ${safeLine(folder)}. There are runs of: ${known.slice(0, 20).join(", ")}.`;
}
