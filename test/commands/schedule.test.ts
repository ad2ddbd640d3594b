import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { execaSync } from "execa";
import { expect, test } from "vitest";
import { buildSchedule, parseTimeOfDay } from "../../src/commands/schedule-text.js";
import { scratchFolder } from "../fixtures/run-folder.js";
import { addRun } from "../fixtures/run-on-disk.js";
import { falconExp } from "./cli.js";

const SCHEDULE = {
  experiment: "quant",
  file: "/lab/my experiments/100%.yaml",
  cwd: "/lab/my experiments",
  hour: 2,
  minute: 5,
  program: ["/usr/bin/node", "/opt/falcon-exp/bin/falcon-exp.js"],
  env: { FALCON_EXP_HOME: "/shared/cache" },
};

test("systemd gets a service that runs once at a time and a timer that makes up for a night", () => {
  expect(buildSchedule("systemd", SCHEDULE)).toContain(
    'ExecStart=/usr/bin/node /opt/falcon-exp/bin/falcon-exp.js run "/lab/my experiments/100%%.yaml"\n',
  );
  expect(buildSchedule("systemd", SCHEDULE)).toContain("OnCalendar=*-*-* 02:05:00\n");
  expect(buildSchedule("systemd", SCHEDULE)).toContain("Environment=FALCON_EXP_HOME=/shared/cache\n");
});

test("cron and scrontab get a line that the shell reads as it was meant", () => {
  for (const kind of ["cron", "slurm"] as const) {
    const line = buildSchedule(kind, SCHEDULE).trimEnd().split("\n").at(-1) ?? "";
    expect(line.startsWith("5 2 * * * cd '/lab/my experiments' && ")).toBe(true);
    // cron gives the shell what stands there, without its own escapes.
    const command = line.replace("5 2 * * * ", "").replaceAll("\\%", "%");
    expect(execaSync("sh", ["-n", "-c", command]).exitCode).toBe(0);
    expect(command).toContain("run '/lab/my experiments/100%.yaml'");
  }
});

test.each([
  ["02:30", { hour: 2, minute: 30 }],
  ["7:05", { hour: 7, minute: 5 }],
  ["24:00", null],
  ["02:60", null],
  ["2", null],
])("%s is read as a time of day", (text, time) => {
  expect(parseTimeOfDay(text)).toEqual(time);
});

test("an experiment that is wrong is told when it is scheduled", async () => {
  const cwd = scratchFolder();
  writeFileSync(join(cwd, "x.yaml"), "name: x\nmodel: smollm2-135m-instruct\nprompts: [a]\n");
  const good = await falconExp(["schedule", "x.yaml", "--nightly", "02:30", "--as", "cron"], { cwd });
  expect(good.stdout).toContain("30 2 * * * cd ");
  const late = await falconExp(["schedule", "x.yaml", "--nightly", "25:30", "--as", "cron"], { cwd });
  expect(late.exitCode).toBe(2);
  expect(late.stderr).toContain("schedule-time-invalid");
  writeFileSync(join(cwd, "x.yaml"), "name: x\n");
  expect(
    (await falconExp(["schedule", "x.yaml", "--nightly", "02:30", "--as", "cron"], { cwd })).exitCode,
  ).toBe(3);
});

test("the oldest runs are told, and removed only when asked; what failed does not push out what completed", async () => {
  const cwd = scratchFolder();
  const results = join(cwd, "results");
  const run = (day: number, content: object | string = {}) =>
    addRun(results, `quant/2026112${day}T020000Z-000${day}`, content as never).folder;
  const folders = [run(1), run(2), run(3), run(4, "torn"), run(5)];
  addRun(results, "other/20261101T020000Z-0001");
  const there = () => folders.map((folder) => existsSync(folder));
  const told = await falconExp(["prune", "quant", "--keep", "2"], { cwd });
  expect(told.stdout).toContain("would remove");
  expect(told.stdout).toContain("3 runs kept. Nothing was removed: --yes does it.");
  expect(there()).toEqual([true, true, true, true, true]);
  const done = await falconExp(["prune", "quant", "--keep", "2", "--yes", "--json"], { cwd });
  expect(JSON.parse(done.stdout)).toMatchObject({ removed: true, kept: 3, runs: [folders[1], folders[0]] });
  expect(there()).toEqual([false, false, true, true, true]);
  expect(existsSync(join(results, "other/20261101T020000Z-0001"))).toBe(true);
});
