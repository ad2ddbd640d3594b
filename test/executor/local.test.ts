import { expect, test } from "vitest";
import type { RunFileRecord } from "../../src/run/record-types.js";
import { smallPlan } from "../fixtures/plans.js";
import { runPlan } from "../fixtures/run-plan.js";

const configurationFailures = (records: readonly RunFileRecord[]) =>
  records.flatMap((record) =>
    record.kind === "configuration" && record.status === "failed"
      ? [{ configuration: record.configuration, ...record.failure }]
      : [],
  );

test("a run records its start, the environment, each load, warm-up, trial and configuration, and its end", async () => {
  const { status, kinds } = await runPlan(smallPlan(["none", "int8"], { warmup: 1 }), "good");
  expect(status).toBe("completed");
  const each = ["load", "warmup", "trial:completed", "trial:completed", "configuration:completed"];
  expect(kinds).toEqual(["run", "environment", ...each, ...each, "run_end:completed"]);
});

test("one configuration that cannot be loaded is recorded with its cause and the others complete", async () => {
  const { status, records, kinds } = await runPlan(smallPlan(["none", "bad", "fp4"]), "fail-one-load");
  expect(status).toBe("partly_failed");
  expect(configurationFailures(records)).toMatchObject([{ configuration: "bad", code: "model-not-found" }]);
  expect(kinds.filter((kind) => kind === "trial:completed")).toHaveLength(4);
});

test("a worker killed in one configuration is replaced in the open, and the others complete", async () => {
  const { status, records, events } = await runPlan(smallPlan(["none", "bad", "fp4"]), "die-in-bad");
  expect(status).toBe("partly_failed");
  expect(configurationFailures(records)).toMatchObject([
    { configuration: "bad", code: "worker-died", signal: "SIGKILL", phase: "load" },
  ]);
  expect(events.filter((event) => event.type === "worker-starting")).toHaveLength(2);
  expect(records.filter((record) => record.kind === "environment")).toHaveLength(2);
});

test("a trial that takes its process along keeps what was measured before it", async () => {
  const { status, records, kinds } = await runPlan(smallPlan(["none"], { trials: 3 }), "die-in-generate");
  expect(status).toBe("partly_failed");
  expect(kinds).toEqual([
    "run",
    "environment",
    "load",
    "trial:completed",
    "trial:failed",
    "configuration:failed",
    "run_end:partly_failed",
  ]);
  expect(records.find((record) => record.kind === "configuration")).toMatchObject({
    trials_completed: 1,
    trials_planned: 3,
  });
});

test("a trial that fails while its process lives does not keep the next from running", async () => {
  const { status, kinds } = await runPlan(smallPlan(["none"], { trials: 3 }), "fail-second-trial");
  expect(status).toBe("partly_failed");
  expect(kinds.slice(3, -2)).toEqual(["trial:completed", "trial:failed", "trial:completed"]);
  expect(kinds.at(-2)).toBe("configuration:completed");
});

test("when no configuration can be loaded the run says that all failed", async () => {
  const { status } = await runPlan(smallPlan(["none", "int8"]), "fail-load");
  expect(status).toBe("all_failed");
});

test("when the worker cannot start, every configuration is recorded as failed with its stderr", async () => {
  const { status, records } = await runPlan(smallPlan(["none", "int8"]), "exit-before-hello");
  expect(status).toBe("all_failed");
  const failures = configurationFailures(records);
  expect(failures.map(({ code }) => code)).toEqual(["worker-start-failed", "worker-start-failed"]);
  expect(failures[0]?.stderr_tail.join()).toContain("zmq");
});

test("asked to stop after this trial, it finishes and records the trial, and starts no other", async () => {
  const { status, kinds } = await runPlan(smallPlan(["none", "int8"]), "good", (event, stop) => {
    if (event.type === "trial-started") stop.request("after-this-trial", "Ctrl-C");
  });
  expect(status).toBe("interrupted");
  expect(kinds.slice(2)).toEqual([
    "load",
    "trial:completed",
    "configuration:cancelled",
    "configuration:cancelled",
    "run_end:interrupted",
  ]);
});

test("asked to stop now, it cancels the trial under way and records no figure for it", async () => {
  const { status, records, kinds } = await runPlan(smallPlan(["none"]), "slow-generate", (event, stop) => {
    if (event.type === "progress" && event.outputTokens === 2) stop.request("now", "SIGTERM");
  });
  expect(status).toBe("interrupted");
  expect(kinds.slice(2)).toEqual(["load", "configuration:cancelled", "run_end:interrupted"]);
  expect(records.find((record) => record.kind === "configuration")).toMatchObject({ reason: "SIGTERM" });
});

test("notices of the libraries reach the configuration's record, each once with its count", async () => {
  const { records } = await runPlan(smallPlan(["none"]), "good");
  expect(records.find((record) => record.kind === "configuration")).toMatchObject({
    notices: [{ source: "scripted", text: "a warning", count: 2 }],
  });
});

test("what the worker says while it starts is recorded once, with the first configuration", async () => {
  const { records } = await runPlan(smallPlan(["none", "int8"]), "spawning");
  const sources = records.flatMap((record) =>
    record.kind === "configuration" ? [record.notices.map(({ source }) => source)] : [],
  );
  expect(sources).toEqual([["falcon-exp", "scripted"], ["scripted"]]);
});

test("a prompt beyond the context is refused by name before anything is measured, and the others are measured", async () => {
  const plan = smallPlan(["none"], { trials: 3, warmup: 1 });
  const trials = plan.trials.map((trial, index) =>
    index === 0 ? { ...trial, prompt: "much too long" } : trial,
  );
  const { status, records, kinds } = await runPlan({ ...plan, trials }, "good");
  expect(status).toBe("partly_failed");
  expect(kinds.slice(2, -2)).toEqual([
    "load",
    "trial:failed",
    "warmup",
    "trial:completed",
    "trial:completed",
  ]);
  expect(records.find((record) => record.kind === "trial")).toMatchObject({
    prompt_id: "p1",
    failure: { code: "prompt-too-long", message: expect.stringMatching(/^Prompt p1: .*9 tokens.*8/) },
  });
});

test("a configuration whose every prompt is beyond the context fails without a warm-up", async () => {
  const plan = smallPlan(["none"], { warmup: 1 });
  const trials = plan.trials.map((trial) => ({ ...trial, prompt: "too long" }));
  const { status, kinds } = await runPlan({ ...plan, trials }, "good");
  expect(status).toBe("all_failed");
  expect(kinds.slice(2, -1)).toEqual(["load", "trial:failed", "trial:failed", "configuration:failed"]);
});

test("a batch is asked for with the prompts that can be read, and each trial records which they were", async () => {
  const plan = smallPlan(["none"], { trials: 3, warmup: 1 });
  const configurations = plan.configurations.map((one) => ({ ...one, batch_size: 3 }));
  const trials = plan.trials.map((trial, index) => (index === 1 ? { ...trial, prompt: "too long" } : trial));
  const { records } = await runPlan({ ...plan, configurations, trials }, "good");
  const completed = records.filter((record) => record.kind === "trial" && record.status === "completed");
  expect(completed).toMatchObject([
    {
      batch_prompt_ids: ["p1", "p3", "p1"],
      measurement: { output_text: "answer to question 1 + question 3 + question 1" },
    },
    {
      batch_prompt_ids: ["p3", "p1", "p3"],
      measurement: { output_text: "answer to question 3 + question 1 + question 3" },
    },
  ]);
  const [warmup] = records.filter((record) => record.kind === "warmup");
  expect(warmup?.measurement.output_text).toBe("answer to question 1 + question 3 + question 1");
});
