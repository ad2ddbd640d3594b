/** Before anything is measured, reuses what earlier runs have measured with the same identity. */
import { planFurtherTrials } from "../plan/further-rounds.js";
import type { Plan, PlanConfiguration } from "../plan/plan-types.js";
import type { WorkerEnvironment } from "../protocol/measurements.js";
import type { EarlierRecords } from "../run/newest-first.js";
import type { RunFileRecord } from "../run/record-types.js";
import { type MeasuredRecord, reusableFrom, whyUnknown } from "../run/reusable.js";
import type { RunContext } from "./executor.js";

/** Appends the records that are reused, and reports for each configuration whether it was reused, or why not. */
export async function reuseFinished(
  plan: Plan,
  environment: WorkerEnvironment,
  earlier: EarlierRecords,
  context: RunContext,
): Promise<void> {
  const buildReuseTarget = (configuration: PlanConfiguration) => ({ plan, configuration, environment });
  const open = new Map<PlanConfiguration, string | null>(
    plan.configurations.map((configuration) => [configuration, whyUnknown(buildReuseTarget(configuration))]),
  );
  const refused = (configuration: PlanConfiguration, reason: string) => {
    context.log.write("info", "not-reused", { configuration: configuration.worker.id, reason });
    context.onEvent({ type: "not-reused", configuration, reason });
  };
  for (const [configuration, reason] of open) {
    if (reason === null) continue;
    refused(configuration, reason);
    open.delete(configuration);
  }
  for await (const records of earlier) {
    for (const configuration of [...open.keys()]) {
      const found = reusableFrom(records, buildReuseTarget(configuration));
      if (found.kind === "measure") {
        // The newest run that has this configuration gives the best reason.
        open.set(configuration, open.get(configuration) ?? found.reason);
        continue;
      }
      open.delete(configuration);
      const { experiment } = found.run.plan;
      const from = { experiment, run_id: found.run.run_id };
      for (const record of found.records) {
        await context.records.append(asOurs(record, plan, configuration, from, context));
      }
      context.onEvent({ type: "reused", configuration, from });
    }
    if (open.size === 0) break;
  }
  for (const [configuration, reason] of open) refused(configuration, reason ?? "no earlier run has it");
}

function asOurs(
  record: MeasuredRecord,
  plan: Plan,
  { worker }: PlanConfiguration,
  from: { readonly experiment: string; readonly run_id: string },
  context: RunContext,
): RunFileRecord {
  const ours = {
    run_id: context.runId,
    at: context.clock.now().toISOString(),
    configuration_id: worker.id,
    configuration: worker.label,
    attempt: 1,
    reused_from: record.reused_from ?? { ...from, at: record.at },
  };
  if (record.kind !== "trial") return { ...record, ...ours };
  const isFurther = record.round >= plan.header.rounds;
  const trials = isFurther ? planFurtherTrials(plan, worker.id, record.round) : plan.trials;
  const trial = trials.find(
    ({ configuration_id, prompt_index, repeat }) =>
      configuration_id === worker.id && prompt_index === record.prompt_index && repeat === record.repeat,
  );
  if (trial === undefined) throw new Error(`no trial of the plan is ${record.trial_id}`);
  const { id: trial_id, index: trial_index, prompt_id } = trial;
  return { ...record, ...ours, trial_id, trial_index, prompt_id };
}
