/** Which tasks a run becomes on Slurm; scripts replace Slurm's commands, so no cluster is needed. */
import { chmodSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { scratchFolder } from "../fixtures/run-folder.js";
import { scriptedPython, TINY_EXPERIMENT } from "../fixtures/started-run.js";
import { falconExp } from "./cli.js";

const FIVE_REFERENCES = TINY_EXPERIMENT.replace(
  "matrix: { quantization: [none, fp4] }",
  "matrix: { max_new_tokens: [3, 4, 5, 6, 7], quantization: [none, fp4] }",
);

/** Prepares a folder with the experiment, and with the commands of a Slurm whose arrays hold at most two tasks. */
function prepare() {
  const cwd = scratchFolder();
  writeFileSync(join(cwd, "tiny.yaml"), FIVE_REFERENCES);
  const commands = {
    scontrol: 'echo "MaxArraySize            = 2"; echo "MaxJobCount             = 5"',
    squeue: "true",
    sbatch: "cat > /dev/null; echo 17",
  };
  for (const [name, lines] of Object.entries(commands)) {
    writeFileSync(join(cwd, name), `#!/bin/sh\n${lines}\n`);
    chmodSync(join(cwd, name), 0o755);
  }
  const env = { PATH: `${cwd}:${process.env.PATH}` };
  const python = scriptedPython("good");
  const run = (...args: readonly string[]) => falconExp(["run", ...args, "--python", python], { cwd, env });
  const attach = (folder: string) => falconExp(["attach", folder, "--poll", "1", "--json"], { cwd, env });
  return { cwd, run, attach };
}

test("every array is printed; how many tasks there are follows from the newest run's times, once there is one", async () => {
  const { cwd, run } = prepare();
  const first = await run("tiny.yaml", "--executor", "slurm", "--dry-run");
  expect(first.stderr).toContain("No earlier run shows how long this takes, so there are at most 100 tasks");
  expect(first.stdout.match(/--slice .*/g)).toEqual([
    '--slice "$SLURM_ARRAY_TASK_ID/5"',
    '--slice "$((SLURM_ARRAY_TASK_ID + 2))/5"',
    '--slice "$((SLURM_ARRAY_TASK_ID + 4))/5"',
  ]);
  expect(first.stdout.match(/--array=.*/g)).toEqual(["--array=0-1", "--array=0-1", "--array=0"]);
  expect(existsSync(join(cwd, "results"))).toBe(false);

  const measured = await run("tiny.yaml", "--executor", "local");
  expect(measured.exitCode, measured.stderr).toBe(0);
  const second = await run("tiny.yaml", "--executor", "slurm", "--dry-run");
  expect(second.stderr).toMatch(/^1 task of about .*, based on the newest run\.$/m);
  expect(second.stdout.match(/--slice .*/g)).toEqual(['--slice "$SLURM_ARRAY_TASK_ID/1"']);
  const asked = await run("tiny.yaml", "--executor", "slurm", "--dry-run", "--set", "executor.slurm.tasks=2");
  expect(asked.stdout.match(/--array=.*/g)).toEqual(["--array=0-1"]);
});

test("what Slurm's queue has no room for waits in the run's folder, and a task measures what the folder deals it", async () => {
  const { run, attach } = prepare();
  const detached = await run("tiny.yaml", "--executor", "slurm", "--detach", "--json");
  expect(detached.exitCode, detached.stderr).toBe(0);
  const told = JSON.parse(detached.stdout);
  expect(told).toMatchObject({ job: "17", jobs: ["17", "17"], tasks: 4, waiting: 1 });
  expect(detached.stderr).toContain(
    "1 task not submitted yet: Slurm takes at most 5 jobs from all users (MaxJobCount)",
  );
  expect(JSON.parse(readFileSync(join(told.run, "slurm.json"), "utf8"))).toMatchObject({ waiting: [4] });

  const slices = [
    { parts: [3], predicted_sec: 4000 },
    { parts: [0, 1, 2, 4], predicted_sec: 3600 },
  ];
  writeFileSync(join(told.run, "slices.json"), JSON.stringify({ schema_version: 1, slices }));
  for (const slice of ["0/2", "1/2"]) {
    const task = await run("--plan", told.run, "--slice", slice);
    expect(task.exitCode, task.stderr).toBe(0);
  }
  const labelsOf = (task: string) =>
    new Set(
      Array.from(
        readFileSync(join(told.run, "tasks", task, "records.jsonl"), "utf8").matchAll(
          /"configuration":"([^"]+)"/g,
        ),
        ([, label]) => label,
      ),
    );
  expect([...labelsOf("0of2.0")].toSorted()).toEqual(["fp4 max_new_tokens=6", "none max_new_tokens=6"]);
  expect(labelsOf("1of2.0").size).toBe(8);
  // Whoever follows the run submits the remaining task, although everything was measured outside Slurm's tasks meanwhile.
  const followed = await attach(told.run);
  expect(followed.exitCode, followed.stderr).toBe(0);
  expect(followed.stderr).toContain("Submitted job 17: 1 task");
  expect(JSON.parse(followed.stdout)).toMatchObject({ status: "completed", trials_completed: 20 });
  expect(JSON.parse(readFileSync(join(told.run, "slurm.json"), "utf8"))).toMatchObject({
    waiting: [],
    losses: [],
  });
});
