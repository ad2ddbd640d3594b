import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { execa } from "execa";
import { expect, test } from "vitest";
import { scratchFolder } from "../fixtures/run-folder.js";
import { prepareRun, scriptedPython, TINY_EXPERIMENT } from "../fixtures/started-run.js";
import { falconExp } from "./cli.js";

const TWO_REFERENCES = TINY_EXPERIMENT.replace(
  "quantization: [none, fp4]",
  "dtype: [float32, bfloat16], quantization: [none, fp4]",
);

async function frozen(cwd: string = scratchFolder()) {
  writeFileSync(join(cwd, "tiny.yaml"), TWO_REFERENCES);
  const { stdout, stderr } = await falconExp(["plan", "tiny.yaml", "--freeze"], { cwd });
  expect(stderr).toBe("");
  const run = stdout.trim();
  const python = scriptedPython("good");
  const slice = (text: string, ...more: readonly string[]) =>
    falconExp(["run", "--plan", run, "--slice", text, "--python", python, ...more], { cwd });
  const list = async () => JSON.parse((await falconExp(["list", "--json"], { cwd })).stdout).runs;
  return { cwd, run, python, slice, list };
}

test("slices of a frozen plan come together in one run: listed while it goes on, drawn by the task that ends last", async () => {
  const { cwd, run, slice, list } = await frozen();
  expect(readdirSync(run).sort()).toEqual(["experiment.yaml", "plan.jsonl", "tasks"]);
  const second = await slice("1/2");
  expect(second.stderr).toContain("2 configurations in this slice, 4 trials");
  expect(second.exitCode, second.stderr).toBe(0);
  expect(second.stdout).toContain("Slice 1/2: completed. Other slices have not ended yet.");
  expect(readdirSync(run).sort()).toEqual(["experiment.yaml", "plan.jsonl", "tasks"]);
  expect((await list())[0]).toMatchObject({ status: "interrupted", trials_completed: 4, trials_planned: 8 });
  const shown = await falconExp(["show", "tiny", "--picture", "none"], { cwd });
  expect(shown.stdout).toContain("bfloat16");

  const first = await slice("0/2", "--json");
  expect(JSON.parse(first.stdout)).toMatchObject({ slice: "0of2", status: "completed", run_is_over: true });
  expect(readdirSync(run)).toContain("records.jsonl");
  expect((await list())[0]).toMatchObject({ status: "completed", trials_completed: 8 });
  const summary = JSON.parse(readFileSync(join(run, "summary.json"), "utf8"));
  expect(summary.status).toBe("completed");
  expect(summary.configurations).toHaveLength(4);

  const again = await slice("0/2");
  expect(again.stderr).toContain("Nothing is left to measure in this slice");
  expect(again.exitCode).toBe(0);
  expect(readdirSync(join(run, "tasks"))).toEqual(["0of2.0", "1of2.0"]);
  const empty = await slice("2/3");
  expect(empty.stderr).toContain("fewer references than slices");
  expect(empty.exitCode).toBe(0);
  const resumed = await falconExp(["run", "--resume", "tiny"], { cwd });
  expect(resumed.stderr).toContain("Nothing is left");
  expect(resumed.exitCode, resumed.stderr).toBe(0);
});

test("a slice that was killed is continued by the next attempt, and a resumed run measures what no slice has", async () => {
  const prepared = prepareRun({ python: scriptedPython("gated-fp4") });
  const { cwd } = prepared;
  const { run, slice, python } = await frozen(cwd);
  const [node, bin] = prepared.command;
  const killed = execa(node, [bin, "run", "--plan", run, "--slice", "0/2", "--python", prepared.command[5]], {
    cwd,
    env: prepared.env,
    reject: false,
  });
  await prepared.held();
  killed.kill("SIGKILL");
  await killed;
  const next = await slice("0/2");
  expect(next.exitCode, next.stderr).toBe(0);
  const records = (task: string) =>
    readFileSync(join(run, "tasks", task, "records.jsonl"), "utf8").split("\n");
  const none = (line: string) =>
    line.includes('"kind":"trial"') && line.includes('"configuration":"none float32"');
  // The reference had been measured, and its records appear unchanged in the new attempt.
  expect(records("0of2.1").filter(none)).toEqual(records("0of2.0").filter(none));
  expect(records("0of2.1").filter(none)).toHaveLength(2);
  expect(records("0of2.1").join("\n")).toContain('"kind":"resume"');

  const resumed = await falconExp(["run", "--resume", run, "--python", python], { cwd });
  expect(resumed.exitCode, resumed.stderr).toBe(0);
  expect(readdirSync(join(run, "tasks"))).toEqual(["0of1.0", "0of2.0", "0of2.1"]);
  const merged = readFileSync(join(run, "records.jsonl"), "utf8").split("\n");
  expect(merged.filter((line) => line.includes('"kind":"trial"'))).toHaveLength(8);
  expect(resumed.stderr).not.toContain("do not count");
});

test("a slice that was cut off too often is recorded as failed, with its cause, and can be tried again", async () => {
  const { cwd, run, slice, python } = await frozen();
  const prepared = prepareRun({ python: scriptedPython("gated-generate") });
  const [node, bin] = prepared.command;
  const killed = execa(node, [bin, "run", "--plan", run, "--slice", "0/2", "--python", prepared.command[5]], {
    cwd,
    env: prepared.env,
    reject: false,
  });
  await prepared.held();
  killed.kill("SIGKILL");
  await killed;
  expect((await slice("1/2")).exitCode).toBe(0);
  const given = await slice("0/2", "--attempts", "1");
  expect(given.exitCode, given.stderr).toBe(5);
  const summary = JSON.parse(readFileSync(join(run, "summary.json"), "utf8"));
  expect(summary.status).toBe("partly_failed");
  expect(JSON.stringify(summary)).toContain("task-tries-used-up");
  const again = await falconExp(["run", "--resume", run, "--retry-failed", "--python", python], { cwd });
  expect(again.exitCode, again.stderr).toBe(0);
  expect(JSON.parse(readFileSync(join(run, "summary.json"), "utf8")).status).toBe("completed");
});

test("slices may go to a folder of their own, and never into another run", async () => {
  const { cwd, run, slice, python } = await frozen();
  const into = join(cwd, "elsewhere");
  expect((await slice("0/1", "--into", into)).exitCode).toBe(0);
  expect(existsSync(join(into, "summary.json"))).toBe(true);
  expect(readdirSync(run).sort()).toEqual(["experiment.yaml", "plan.jsonl", "tasks"]);
  const ordinary = await falconExp(["run", "tiny.yaml", "--set", "repeats=2", "--python", python], { cwd });
  expect(ordinary.exitCode, ordinary.stderr).toBe(0);
  const [other] = readdirSync(join(cwd, "results/tiny")).filter((name) => !run.endsWith(name));
  const refused = await slice("0/1", "--into", join(cwd, "results/tiny", other ?? ""));
  expect(refused.exitCode).toBe(2);
  expect(refused.stderr).toContain("slice-into-other-run");
});

test.each([
  [["--slice", "0/2"], "slice-options"],
  [["--plan", "plan.jsonl"], "slice-options"],
  [["tiny.yaml", "--plan", "plan.jsonl", "--slice", "0/2"], "slice-options"],
  [["--plan", "plan.jsonl", "--slice", "0/2", "--worker", "tcp://a:1", "--worker-key", "b"], "slice-options"],
  [["--plan", "plan.jsonl", "--slice", "0/2", "--devices", "cpu:0"], "slice-options"],
  [["x.yaml", "--devices", "cpu:0", "--worker", "tcp://a:1", "--worker-key", "b"], "devices-invalid"],
  [["x.yaml", "--devices", "cpu:0", "--dry-run"], "devices-invalid"],
  [["x.yaml", "--devices", "cpu:0", "--executor", "slurm"], "devices-invalid"],
  [["x.yaml", "--executor", "slurm", "--worker", "tcp://a:1", "--worker-key", "b"], "slurm-options"],
  [["x.yaml", "--on-regression", "mail"], "usage-invalid"],
  [["--plan", "plan.jsonl", "--slice", "2/2"], "slice-invalid"],
  [["--plan", "nowhere", "--slice", "0/2"], "run-not-found"],
])("run %j is refused with %s", async (args, code) => {
  const { exitCode, stderr } = await falconExp(["run", ...args], { cwd: scratchFolder() });
  expect(exitCode).toBeGreaterThan(1);
  expect(stderr).toContain(code);
});
