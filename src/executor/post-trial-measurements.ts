/** What is measured on a loaded configuration after its trials: the profile and the quality. */
import { join } from "node:path";
import { describePrompts, listBatchRows } from "../plan/batch-rows.js";
import { type LmEvalPlan, type PlanText, referenceIdOf } from "../plan/plan-types.js";
import type { LogprobsUse } from "../protocol/quality.js";
import { textKey } from "../run/plan-progress.js";
import type { Failure } from "../run/record-types.js";
import type { PostTrialName } from "../run/session-state.js";
import { WorkerFailure } from "../worker/failures.js";
import type { RequestHandlers } from "../worker/open-request.js";
import type { Worker } from "../worker/worker.js";
import type { RunContext } from "./executor.js";
import type { LoadJob } from "./load-job.js";
import { ofAttempt, record } from "./recorder.js";

/**
 * Runs the remaining measurements and returns whether all of them succeeded. A failure is recorded and the next measurement is
 * tried, unless the trial process has ended; the trials stay valid even then. Throws WorkerFailure `cancelled` only.
 */
export async function runPostTrialMeasurements(
  job: LoadJob,
  worker: Worker,
  context: RunContext,
  handlers: () => RequestHandlers,
): Promise<boolean> {
  let isComplete = true;
  const fail = async ({ what, recordFailure }: PostTrialMeasurement, failure: Failure) => {
    await recordFailure(failure);
    context.onEvent({ type: "measurement-failed", what, failure });
  };
  for (const measurement of listPostTrialMeasurements(job, worker, context)) {
    if (context.stop.state !== null || !worker.isUsable) return false;
    const implied = job.implied.postTrial.get(measurement.name);
    if (implied !== undefined) {
      await fail(measurement, implied.failure);
      isComplete = false;
      continue;
    }
    context.onEvent({ type: "measurement-started", what: measurement.what });
    try {
      await measurement.measure(handlers());
      context.onEvent({ type: "measurement-completed", what: measurement.what });
    } catch (error) {
      if (!(error instanceof WorkerFailure) || error.code === "cancelled") throw error;
      await fail(measurement, error.toRecord());
      isComplete = false;
      if (!error.details.trialProcessAlive) return false;
    }
  }
  return isComplete;
}

interface PostTrialMeasurement {
  readonly name: PostTrialName;
  /** For people, e.g. "quality on english". */
  readonly what: string;
  readonly measure: (handlers: RequestHandlers) => Promise<void>;
  readonly recordFailure: (failure: Failure) => Promise<void>;
}

function listPostTrialMeasurements(
  job: LoadJob,
  worker: Worker,
  context: RunContext,
): readonly PostTrialMeasurement[] {
  const { profile, texts, lmEval } = job.work;
  const tasks = job.plan.header.quality?.lm_eval ?? null;
  return [
    ...(profile ? [buildProfileMeasurement(job, worker, context)] : []),
    ...texts.map((text) => buildQualityMeasurement(text, job, worker, context)),
    ...(lmEval && tasks !== null ? [buildLmEvalMeasurement(tasks, job, worker, context)] : []),
  ];
}

function buildProfileMeasurement(job: LoadJob, worker: Worker, context: RunContext): PostTrialMeasurement {
  const { configuration, trials } = job;
  const of = ofAttempt(job);
  return {
    name: "profile",
    what: "profile",
    measure: async (handlers) => {
      const { generation, batch_size } = configuration;
      const [first] = trials;
      const rows = first === undefined ? [] : listBatchRows(first, trials, batch_size);
      const { measurement } = await worker.ask("profile", { ...describePrompts(rows), generation }, handlers);
      await record(context, "profile", { ...of, status: "completed", measurement });
    },
    recordFailure: (failure) => record(context, "profile", { ...of, status: "failed", failure }),
  };
}

function buildQualityMeasurement(
  text: PlanText,
  job: LoadJob,
  worker: Worker,
  context: RunContext,
): PostTrialMeasurement {
  const { plan } = job;
  const { cache } = job.configuration.generation;
  const of = { ...ofAttempt(job), text_id: text.id };
  return {
    name: `quality ${text.id}`,
    what: `quality on ${text.id}`,
    measure: async (handlers) => {
      const { measurement } = await worker.ask(
        "quality",
        {
          text_id: text.id,
          text: text.text,
          context: plan.header.quality?.context ?? 0,
          max_tokens: plan.header.quality?.max_tokens ?? null,
          logprobs: logprobsUse(text, job, context),
          ...(plan.header.quality?.kl === "both" ? { kl: "both" as const } : {}),
          // With any other kind of cache the model computes the same numbers as without one.
          ...(cache?.type === "quantized" ? { cache } : {}),
        },
        handlers,
      );
      await record(context, "quality", { ...of, status: "completed", measurement });
    },
    recordFailure: (failure) => record(context, "quality", { ...of, status: "failed", failure }),
  };
}

function buildLmEvalMeasurement(
  tasks: LmEvalPlan,
  job: LoadJob,
  worker: Worker,
  context: RunContext,
): PostTrialMeasurement {
  const of = ofAttempt(job);
  const { seed } = job.configuration.generation;
  const { trust_task_code: _, ...request } = tasks;
  return {
    name: "lm_eval",
    what: `lm-eval: ${tasks.tasks.join(", ")}`,
    measure: async (handlers) => {
      const { measurement } = await worker.ask("lm_eval", { ...request, seed }, handlers);
      await record(context, "lm_eval", { ...of, status: "completed", measurement });
    },
    recordFailure: (failure) => record(context, "lm_eval", { ...of, status: "failed", failure }),
  };
}

function logprobsUse(text: PlanText, { configuration, plan }: LoadJob, context: RunContext): LogprobsUse {
  const reference = referenceIdOf(configuration, plan.header);
  const folder = join(context.logprobsFolder, textKey(plan, reference, text.id));
  return { mode: configuration.is_reference ? "write" : "read", folder };
}
