/** `falcon-exp cancel`: ends the tasks of a run that Slurm measures, and records what they leave undone. */
import { FalconError } from "../base/errors.js";
import { ExitCode } from "../base/exit-codes.js";
import { slurmClient } from "../executor/slurm/client.js";
import { lookAtSlices } from "../executor/slurm/follow.js";
import { markCancelled, readLedger } from "../executor/slurm/ledger.js";
import { findRun } from "../run/find-run.js";
import { RunPaths } from "../run/paths.js";
import { type AttachArgs, attachTo } from "./attach.js";
import type { CommandIo } from "./io.js";

export async function run(io: CommandIo, args: AttachArgs & { readonly run: string }): Promise<number> {
  const paths = new RunPaths(await findRun(args.run, args.results, io.cwd));
  const { ledger } = await lookAtSlices(await readLedger(paths), {
    run: paths,
    client: slurmClient,
    clock: io.clock,
  });
  // Done first, so that a process that follows the run submits nothing more from then on.
  await markCancelled(paths, io.clock.now());
  const ids = ledger.jobs.flatMap(({ id }) => id ?? []);
  if (ids.length > 0) await slurmClient.cancel(ids);
  try {
    return await attachTo(io, paths, args);
  } catch (error) {
    if (!(error instanceof FalconError && error.code === "results-locked")) throw error;
    io.stderr.write("Cancelled. The process that follows the run records what is left.\n");
    return ExitCode.ok;
  }
}
