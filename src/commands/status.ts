/** `falcon-exp status`: shows where each task of a run is that Slurm measures. Asks Slurm once and changes nothing. */
import { ExitCode } from "../base/exit-codes.js";
import { slurmClient } from "../executor/slurm/client.js";
import { lookAtSlices } from "../executor/slurm/follow.js";
import type { SliceStatus } from "../executor/slurm/judge.js";
import { readLedger } from "../executor/slurm/ledger.js";
import { findRun } from "../run/find-run.js";
import { RunPaths } from "../run/paths.js";
import { countStatuses, lossText } from "./attach.js";
import type { CommandIo } from "./io.js";
import { printJson } from "./print-json.js";

export interface StatusArgs {
  readonly run: string;
  readonly results: string;
  readonly json: boolean;
}

export async function run(io: CommandIo, args: StatusArgs): Promise<number> {
  const paths = new RunPaths(await findRun(args.run, args.results, io.cwd));
  const { ledger, statuses } = await lookAtSlices(await readLedger(paths), {
    run: paths,
    client: slurmClient,
    clock: io.clock,
  });
  const { losses } = ledger;
  if (args.json) {
    const tasks = statuses.map((status, slice) => ({ slice, ...describe(status) }));
    printJson(io, { schema_version: 1, run: paths.folder, tasks, losses });
    return ExitCode.ok;
  }
  for (const loss of losses) io.stdout.write(`${lossText(loss)}\n`);
  for (const [slice, status] of statuses.entries()) {
    const { status: kind, job, state, node } = describe(status);
    const parts = [kind === "unsubmitted" ? "not submitted yet" : kind, job, state, node].filter(
      (part) => part !== null && part !== "",
    );
    if (kind !== "over") io.stdout.write(`slice ${slice}: ${parts.join("  ")}\n`);
  }
  io.stdout.write(`${countStatuses(statuses)}\n`);
  return ExitCode.ok;
}

function describe(status: SliceStatus) {
  if (status.kind === "over" || status.kind === "unsubmitted")
    return { status: status.kind, job: null, state: null, node: null };
  const { job, state, node } = status.kind === "left" ? status.task : status;
  return { status: status.kind, job, state, node };
}
