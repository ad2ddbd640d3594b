import { describePrompts, listBatchRows } from "../plan/batch-rows.js";
import type { Failure } from "../run/record-types.js";
import { WorkerFailure } from "../worker/failures.js";
import type { Worker } from "../worker/worker.js";
import type { RunContext } from "./executor.js";
import type { LoadJob } from "./load-job.js";
import { progressHandlers } from "./progress.js";
import { ofConfiguration, record } from "./recorder.js";

/**
 * Measures the drift probe's prompts once, in a process of its own like any configuration, and does not record them as trials. A
 * failure is recorded and ends only this measurement. Throws WorkerFailure `cancelled` only.
 */
export async function runDriftProbe(job: LoadJob, worker: Worker, context: RunContext): Promise<void> {
  const { configuration, session, plan } = job;
  context.onEvent({ type: "configuration-started", configuration, session, trialsOver: 0 });
  const startedSec = context.clock.monotonicSec();
  const handlers = () => progressHandlers(context, () => {});
  const prompts = job.work.trials;
  const { generation, batch_size } = configuration;
  const ask = (phase: "warmup" | "measure", trial: (typeof prompts)[number]) =>
    worker.ask(
      "generate",
      {
        trial_id: `sentinel${session.round + 1}/${trial.id}`,
        phase,
        ...describePrompts(listBatchRows(trial, prompts, batch_size)),
        repeat: 0,
        generation,
      },
      handlers(),
    );
  let at = prompts[0];
  const of = () => ({
    ...ofConfiguration(configuration),
    position: session.round,
    prompt_index: at?.prompt_index ?? 0,
    prompt_id: at?.prompt_id ?? "",
  });
  try {
    await worker.ask("load", { configuration: configuration.worker }, handlers());
    for (let index = 0; index < plan.header.warmup && at !== undefined; index++) await ask("warmup", at);
    for (at of prompts) {
      if (context.stop.state !== null) break;
      const { measurement } = await ask("measure", at);
      await record(context, "sentinel", { ...of(), status: "completed", measurement });
    }
  } catch (error) {
    if (!(error instanceof WorkerFailure) || error.code === "cancelled") throw error;
    const failure: Failure = error.toRecord();
    await record(context, "sentinel", { ...of(), status: "failed", failure });
    context.onEvent({ type: "measurement-failed", what: "sentinel", failure });
  }
  if (worker.isUsable) {
    await worker.ask("unload", {}, handlers()).catch((error: unknown) => {
      if (!(error instanceof WorkerFailure)) throw error;
      context.log.write("warning", "unload-failed", { ...error.toRecord() });
    });
  }
  const elapsedSec = context.clock.monotonicSec() - startedSec;
  context.onEvent({ type: "configuration-completed", configuration, session, elapsedSec });
}
