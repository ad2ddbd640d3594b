/** `falcon-exp prune`: removes the oldest runs of an experiment. Only lists them unless told to remove them. */
import { rm } from "node:fs/promises";
import { ExitCode } from "../base/exit-codes.js";
import { pluralize, safeLine } from "../base/text.js";
import type { RunIndexEntry } from "../run/run-index.js";
import { SmallFiles } from "../run/small-files.js";
import { writeFailed } from "../run/writer.js";
import { historyRuns } from "./history-runs.js";
import type { CommandIo } from "./io.js";
import { printJson } from "./print-json.js";

export interface PruneArgs {
  readonly experiment: string;
  readonly keep: number;
  /** Whether to remove the runs instead of only listing them. */
  readonly yes: boolean;
  readonly results: string;
  readonly json: boolean;
}

/** Throws FalconError `history-no-runs`, `results-write-failed`. */
export async function run(io: CommandIo, args: PruneArgs): Promise<number> {
  const { entries } = await historyRuns(args.experiment, args.results, {
    cwd: io.cwd,
    files: new SmallFiles(io.clock),
  });
  const old = chooseOld(entries, args.keep);
  if (args.yes) for (const { folder } of old) await remove(folder);
  if (args.json) {
    printJson(io, {
      schema_version: 1,
      removed: args.yes,
      kept: entries.length - old.length,
      runs: old.map(({ folder }) => folder),
    });
    return ExitCode.ok;
  }
  for (const { folder, status } of old)
    io.stdout.write(`${args.yes ? "removed" : "would remove"} ${safeLine(folder)} (${status})\n`);
  const kept = `${pluralize(entries.length - old.length, "run")} kept.`;
  const next = args.yes || old.length === 0 ? "" : " Nothing was removed: --yes does it.";
  io.stdout.write(`${kept}${next}\n`);
  return ExitCode.ok;
}

/**
 * The runs to remove. The newest `keep` completed runs are kept, and so is every run that is newer than the oldest of them or
 * still in progress.
 */
export function chooseOld(newestFirst: readonly RunIndexEntry[], keep: number): readonly RunIndexEntry[] {
  let completed = 0;
  return newestFirst.filter(({ status }) => {
    const isBeyond = completed >= keep;
    if (status === "completed") completed++;
    return isBeyond && status !== "running";
  });
}

async function remove(folder: string): Promise<void> {
  await rm(folder, { recursive: true, force: true }).catch((cause: unknown) => {
    throw writeFailed(folder, cause);
  });
}
