import { mkdirSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { chooseTask, WHOLE } from "../../src/commands/choose-task.js";
import { planText } from "../../src/plan/plan-file.js";
import { RunPaths } from "../../src/run/paths.js";
import type { RunFileRecord } from "../../src/run/record-types.js";
import { minimal, planExperiment } from "../fixtures/experiments.js";
import { testIo } from "../fixtures/io.js";
import { fakeRun, toJsonl } from "../fixtures/records.js";
import { scratchFolder } from "../fixtures/run-folder.js";
import { runPlan } from "../fixtures/run-plan.js";

/** What is left of a run whose only task was killed in a load beyond the planned ones. */
async function chooseAfterCut(host: string, gpus: readonly object[] = []) {
  const plan = await planExperiment(
    minimal("matrix: { quantization: [none, fp4] }", "warmup: 0").replace("[hello]", "[a, b, c, d, e]"),
  );
  const { records } = await runPlan(plan, "uneven-loads");
  const cut = records.findIndex((record) => record.kind === "trial" && record.round === 2) + 1;
  const of = records.slice(0, cut).map((record) => {
    if (record.kind === "run") return { ...record, controller: { ...record.controller, hostname: host } };
    return record.kind === "environment"
      ? { ...record, environment: { ...record.environment, gpus: [...gpus] } }
      : record;
  }) as RunFileRecord[];
  const cwd = scratchFolder();
  const run = new RunPaths(join(cwd, "results", "x", "20260101T000000Z-0001"));
  const task = join(run.folder, "tasks", "0of1.0");
  mkdirSync(task, { recursive: true });
  writeFileSync(run.plan, planText(plan));
  writeFileSync(join(task, "records.jsonl"), toJsonl(of));
  const chosen = await chooseTask(testIo(cwd).io, { run, plan, slice: WHOLE, retryFailed: false });
  await chosen.close();
  return { left: chosen.left.length, over: chosen.over, trialsKept: chosen.earlier !== undefined };
}

test("loads beyond the planned ones that were cut off are continued on the same machine without a GPU", async () => {
  expect(await chooseAfterCut(hostname())).toEqual({ left: 1, over: undefined, trialsKept: true });
});

test("elsewhere, or with a GPU, nobody measures everything again only for them", async () => {
  const over = { left: 0, over: "completed", trialsKept: false };
  expect(await chooseAfterCut("elsewhere")).toEqual(over);
  const { gpus } = fakeRun({ device: "cuda" }).records.flatMap((record) =>
    record.kind === "environment" ? record.environment : [],
  )[0] ?? { gpus: [] };
  expect(gpus).not.toEqual([]);
  expect(await chooseAfterCut(hostname(), gpus)).toEqual(over);
});
