/** `falcon-exp cancel`: ends the tasks of a run that Slurm measures, and records what they leave. */
import { FalconError } from "../base/errors.js";
import { ExitCode } from "../base/exit-codes.js";
import { slurmClient } from "../executor/slurm/client.js";
import { lookAtSlices } from "../executor/slurm/follow.js";
import { readLedger, writeLedger } from "../executor/slurm/ledger.js";
import { findRun } from "../run/find-run.js";
import { RunPaths } from "../run/paths.js";
import { type AttachArgs, attachTo } from "./attach.js";
import type { CommandIo } from "./io.js";

export async function run(io: CommandIo, args: AttachArgs & { readonly run: string }): Promise<number> {
  const paths = new RunPaths(await findRun(args.run, args.results, io.cwd));
  const { ledger: known } = await lookAtSlices(await readLedger(paths), {
    run: paths,
    client: slurmClient,
    clock: io.clock,
  });
  const ledger = { ...known, cancelled_at: io.clock.now().toISOString() };
  await writeLedger(paths, ledger);
  await slurmClient.cancel(ledger.jobs.flatMap(({ id }) => id ?? []));
  try {
    return await attachTo(io, paths, ledger, args);
  } catch (error) {
    if (!(error instanceof FalconError && error.code === "results-locked")) throw error;
    io.stderr.write("Cancelled. Whoever follows the run records what is left.\n");
    return ExitCode.ok;
  }
}
