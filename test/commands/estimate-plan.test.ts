import { join } from "node:path";
import { expect, test } from "vitest";
import { countLongestRow, readLastTimes } from "../../src/commands/estimate-plan.js";
import { minimal, planExperiment } from "../fixtures/experiments.js";
import { testIo } from "../fixtures/io.js";
import { toJsonl } from "../fixtures/records.js";
import { scratchFolder } from "../fixtures/run-folder.js";
import { addRun } from "../fixtures/run-on-disk.js";
import { runPlan } from "../fixtures/run-plan.js";

test("the newest run's times are of all its loads, beside its planned trials, since a new run may load as often", async () => {
  const plan = await planExperiment(
    minimal("matrix: { quantization: [none, fp4] }", "warmup: 0").replace("[hello]", "[a, b, c, d, e]"),
  );
  const { records } = await runPlan(plan, "uneven-loads");
  const id = "20260101T000000Z-0001";
  const cwd = scratchFolder();
  addRun(join(cwd, "results"), `x/${id}`, toJsonl(records.map((record) => ({ ...record, run_id: id }))));
  const times = await readLastTimes(testIo(cwd).io, plan, "results");
  const elapsed = records.flatMap((record) =>
    record.kind === "configuration" && record.configuration_id === "fp4" ? [record.elapsed_sec] : [],
  );
  expect(elapsed).toHaveLength(8);
  expect(times.get("fp4")).toEqual({ sec: elapsed.reduce((sum, one) => sum + one, 0), trials: 5 });
});

test("under max_length the longest row of a batch has as much padding as its prompts differ", async () => {
  const short = "a".repeat(30);
  const long = "b".repeat(330);
  const countRows = async (generation: string, prompts = [short, long]) => {
    const plan = await planExperiment(
      minimal(`generation: { ${generation} }`).replace("[hello]", JSON.stringify(prompts)),
    );
    return plan.configurations.map((configuration) => countLongestRow(plan, configuration));
  };
  // A prompt is taken to have a token for three characters: the two differ by 100.
  expect(await countRows("max_length: 512, batch_size: 2")).toEqual([612]);
  expect(await countRows("max_length: 512, batch_size: 2, depth: 1000")).toEqual([1612]);
  expect(await countRows("max_length: 512")).toEqual([512]);
  expect(await countRows("max_length: 512, batch_size: 2", [short, short])).toEqual([512]);
  // Whatever else is in the longest prompt: it has fewer tokens than max_length, or cannot be answered.
  expect(await countRows("max_length: 512, batch_size: 2", [short, long.repeat(100)])).toEqual([974]);
  expect(await countRows("max_new_tokens: 512, batch_size: 2")).toEqual([662]);
});
