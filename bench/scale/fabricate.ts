/** Fabricates the records of a run as tasks on many machines would have written them, one slice of the plan each. */
import { mkdirSync, writeFileSync } from "node:fs";
import { type Plan, referenceIdOf } from "../../src/plan/plan-types.js";
import { dealParts, joinParts, splitPlan } from "../../src/plan/slices.js";
import { appendChecksum } from "../../src/run/checksummed-line.js";
import type { RunPaths } from "../../src/run/paths.js";
import type { RunFileRecord } from "../../src/run/record-types.js";
import { environment, fakeMeasurement, loadMeasurement } from "../../test/fixtures/records.js";

const STARTED = Date.UTC(2026, 0, 1);
const ENVIRONMENT = environment("cpu");

/**
 * Writes records like those of a model of 135 million parameters on a CPU: answers of 32 tokens, with a time for each token.
 * Returns the number of bytes written.
 */
export function fabricateTasks(run: RunPaths, plan: Plan, tasks: number): number {
  return dealParts(splitPlan(plan), tasks).reduce((bytes, parts, index) => {
    const { folder, records } = run.task(`${index}of${tasks}.0`);
    const lines = listRecords(run.runId, joinParts(plan, parts), index);
    const text = lines.map((record) => `${appendChecksum(JSON.stringify(record))}\n`).join("");
    mkdirSync(folder, { recursive: true });
    writeFileSync(records, text);
    return bytes + Buffer.byteLength(text);
  }, 0);
}

function listRecords(run_id: string, plan: Plan, task: number): readonly RunFileRecord[] {
  const records: RunFileRecord[] = [];
  const add = (record: object) => {
    const at = new Date(STARTED + task * 60_000 + records.length * 500).toISOString();
    const { kind, ...rest } = record as { readonly kind: string };
    records.push({ schema_version: 1, run_id, at, kind, ...rest } as unknown as RunFileRecord);
  };
  const prompts = new Map(
    plan.trials.map(({ prompt_index, prompt_id, prompt }) => [
      prompt_index,
      { prompt_index, prompt_id, prompt },
    ]),
  );
  add({
    kind: "run",
    falcon_exp_version: "0.1.0",
    plan: plan.header,
    configurations: plan.configurations,
    blocks: plan.blocks,
    prompts: [...prompts.values()],
    controller: {
      ...{ node_version: "20.20.0", platform: "linux", hostname: `n${task % 500}` },
      ...{ git_commit: null, git_dirty: null },
    },
  });
  add({ kind: "environment", environment: ENVIRONMENT });
  for (const configuration of plan.configurations) {
    const { id, label, quantization } = configuration.worker;
    const isReference = referenceIdOf(configuration, plan.header) === id;
    const fake = { id, quantization, tokensPerSec: isReference ? 19.2 : 5.4 };
    const of = { configuration_id: id, configuration: label, attempt: 1, reused_from: null };
    const trials = plan.trials.filter(({ configuration_id }) => configuration_id === id);
    const load = loadMeasurement(fake, "cpu");
    const sessions = plan.blocks.filter(({ configuration_id }) => configuration_id === id);
    for (const { round } of sessions) {
      const own = trials.filter((trial) => trial.round === round);
      add({ kind: "load", ...of, identity_sha256: "0".repeat(64), load, round });
      for (const trial of own) {
        add({
          kind: "trial",
          ...of,
          ...{ trial_id: trial.id, trial_index: trial.index, prompt_index: trial.prompt_index },
          ...{ prompt_id: trial.prompt_id, repeat: trial.repeat, round, status: "completed" },
          measurement: fakeMeasurement(fake, trial),
          batch_prompt_ids: null,
          disturbed_by: [],
        });
      }
      add({
        ...{ kind: "configuration", ...of, round, elapsed_sec: 20, trials_planned: own.length, notices: [] },
        ...{ status: "completed", trials_completed: own.length, proof_after: load.proof },
        repeats_end: "as-planned",
      });
    }
  }
  add({ kind: "run_end", status: "completed", elapsed_sec: 89.5 });
  return records;
}
