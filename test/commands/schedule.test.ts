import { existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { execaSync } from "execa";
import { expect, test } from "vitest";
import type { FalconError } from "../../src/base/errors.js";
import { callRegressionHook } from "../../src/commands/regression-hook.js";
import { buildSchedule, parseTimeOfDay } from "../../src/commands/schedule-text.js";
import { beginScheduled, MISSED_FILE } from "../../src/commands/scheduled.js";
import { RunPaths } from "../../src/run/paths.js";
import { testIo } from "../fixtures/io.js";
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
  options: ["--scheduled", "--on-regression", "mail -s 'it is 10 % slower' lab"],
  env: { FALCON_EXP_HOME: "/shared/cache" },
};

test("systemd gets a service that runs once at a time and a timer that makes up for a night", () => {
  expect(buildSchedule("systemd", SCHEDULE)).toContain(
    'ExecStart=/usr/bin/node /opt/falcon-exp/bin/falcon-exp.js run "/lab/my experiments/100%%.yaml" --scheduled --on-regression "mail -s \'it is 10 %% slower\' lab"\n',
  );
  expect(buildSchedule("systemd", SCHEDULE)).toContain("OnCalendar=*-*-* 02:05:00\n");
  expect(buildSchedule("systemd", SCHEDULE)).toContain("Environment=FALCON_EXP_HOME=/shared/cache\n");
});

test("cron and scrontab get a line that the shell reads as it was meant", () => {
  for (const kind of ["cron", "slurm"] as const) {
    const line = buildSchedule(kind, SCHEDULE).trimEnd().split("\n").at(-1) ?? "";
    expect(line.startsWith("5 2 * * * cd '/lab/my experiments' && ")).toBe(true);
    // cron removes its own escapes and passes the rest to the shell.
    const command = line.replace("5 2 * * * ", "").replaceAll("\\%", "%");
    expect(execaSync("sh", ["-n", "-c", command]).exitCode).toBe(0);
    expect(command).toContain("run '/lab/my experiments/100%.yaml'");
  }
});

/** Splits the text at its `# PATH` lines; returns what follows each of them, by file name. */
function splitUnits(text: string): Readonly<Record<string, string>> {
  const parts = text.split(/^# ~\/\.config\/systemd\/user\/(\S+)$/m).slice(1);
  return Object.fromEntries(
    parts.flatMap((name, index) => (index % 2 === 0 ? [[name, parts[index + 1] ?? ""] as const] : [])),
  );
}

const isInstalled = (program: string) =>
  ["/usr/bin", "/bin", "/usr/sbin"].some((folder) => existsSync(join(folder, program)));
const canVerify = isInstalled("systemd-analyze") && isInstalled("crontab");
if (!canVerify) console.warn("Schedules are not verified: systemd-analyze or crontab is not installed");

test.skipIf(!canVerify)("systemd accepts the units, and cron the line", () => {
  const folder = scratchFolder();
  const program = [process.execPath, "/opt/falcon-exp.js"];
  const schedule = { ...SCHEDULE, cwd: folder, file: join(folder, "quant.yaml"), program };
  const units = splitUnits(buildSchedule("systemd", schedule));
  expect(Object.keys(units)).toEqual(["falcon-exp-quant.service", "falcon-exp-quant.timer"]);
  const paths = Object.entries(units).map(([name, text]) => {
    writeFileSync(join(folder, name), text);
    return join(folder, name);
  });
  const systemd = execaSync("systemd-analyze", ["verify", ...paths], { reject: false, all: true });
  expect(systemd.exitCode, systemd.all).toBe(0);
  writeFileSync(join(folder, "crontab"), buildSchedule("cron", schedule));
  const cron = execaSync("crontab", ["-n", join(folder, "crontab")], { reject: false, all: true });
  expect(cron.exitCode, cron.all).toBe(0);
});

test("what cron starts keeps a log, and of a long one begins another", () => {
  const folder = scratchFolder();
  const program = ["/bin/echo", "measured"];
  const schedule = { ...SCHEDULE, cwd: folder, file: join(folder, "quant.yaml"), program, env: {} };
  const line = buildSchedule("cron", schedule).trimEnd().split("\n").at(-1) ?? "";
  const command = line.replace("5 2 * * * ", "").replaceAll("\\%", "%");
  const log = join(folder, "falcon-exp-quant.log");
  // cron provides this environment and nothing else.
  const env = { HOME: folder, SHELL: "/bin/sh", PATH: "/usr/bin:/bin" };
  const night = () => execaSync("/bin/sh", ["-c", command], { env, extendEnv: false });
  night();
  night();
  expect(readFileSync(log, "utf8").match(/^measured run /gm)).toHaveLength(2);
  writeFileSync(log, "x".repeat(2_000_000));
  night();
  expect(readFileSync(log, "utf8").match(/^measured run /gm)).toHaveLength(1);
  expect(statSync(`${log}.1`).size).toBe(2_000_000);
});

test("a scheduled run never goes on beside another, waits for a quiet machine within its bound, and what is missed is recorded", async () => {
  const folder = join(scratchFolder(), "quant");
  let [seconds, milliseconds] = [0, 0];
  const clock = { now: () => new Date(++milliseconds), monotonicSec: () => seconds };
  const { io } = testIo(folder, { clock });
  const shares = [0.9, 0.5, 0.02];
  const sampleBusyShare = async (of: number) => {
    seconds += of;
    return shares.shift() ?? 1;
  };
  const begin = (waitQuietSec?: number) => beginScheduled(io, { folder, waitQuietSec, sampleBusyShare });
  const first = await begin(60);
  expect(shares).toEqual([]);
  const whyMissed = async (waitQuietSec?: number) => {
    const error = await begin(waitQuietSec).catch((one: unknown) => one);
    expect(error).toMatchObject({ code: "schedule-missed", exitCode: 10 });
    return (error as FalconError).next;
  };
  // Waiting longer is not suggested, because the other run would still be in progress.
  expect(await whyMissed()).not.toContain("--wait-quiet");
  await first.release();
  expect(await whyMissed(30)).toContain("raise --wait-quiet");
  // The lock was released, although the machine was not quiet in time.
  await (await begin()).release();
  const missed = readFileSync(join(folder, MISSED_FILE), "utf8").trimEnd().split("\n");
  expect(missed.map((line) => JSON.parse(line).reason)).toEqual(["another-run", "machine-busy"]);
});

test("a regression is told to a program of one's own, which no shell reads", async () => {
  const folder = scratchFolder();
  const { io, stderr } = testIo(folder);
  const script = join(folder, "hook.mjs");
  writeFileSync(script, "console.log(process.argv.slice(2).join('|'), process.env.FALCON_EXP_RUN);");
  const paths = new RunPaths(join(folder, "quant/20261124T023746Z-a1b2"));
  await callRegressionHook(io, `${process.execPath} ${script} $HOME ;`, paths);
  expect(stderr()).toContain(`$HOME|; ${paths.folder}`);
  await callRegressionHook(io, "no-such-program-at-all", paths);
  expect(stderr()).toContain("warning: --on-regression:");
  writeFileSync(script, "");
  await callRegressionHook(io, `${process.execPath} ${script}`, paths);
  expect(stderr()).toBe("");
});

test.each([
  { executor: "", args: [] },
  { executor: "", args: ["--devices", "cpu:0"] },
  { executor: "executor: { slurm: { time: 10 } }\n", args: [] },
])(
  "a scheduled run with $args, $executor waits for nobody beside another one",
  async ({ executor, args }) => {
    const cwd = scratchFolder();
    const text = `name: x\nmodel: smollm2-135m-instruct\nprompts: [a]\n${executor}`;
    writeFileSync(join(cwd, "x.yaml"), text);
    const { io } = testIo(cwd);
    const folder = join(cwd, "results/x");
    const lock = await beginScheduled(io, { folder, sampleBusyShare: async () => 0 });
    const { exitCode, stderr } = await falconExp(["run", "x.yaml", "--scheduled", ...args], { cwd });
    expect([exitCode, stderr]).toEqual([10, expect.stringContaining("schedule-missed")]);
    expect(readFileSync(join(folder, MISSED_FILE), "utf8")).toContain('"reason":"another-run"');
    await lock.release();
  },
);

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
  const refusal = async (...options: readonly string[]) => {
    const asked = ["schedule", "x.yaml", "--nightly", "02:30", "--as", "cron", ...options];
    const { exitCode, stderr } = await falconExp(asked, { cwd });
    return [exitCode, stderr];
  };
  expect(await refusal("--wait-quiet", "soon")).toEqual([2, expect.stringContaining("must be a period")]);
  expect(await refusal("--on-regression", "mail")).toEqual([2, expect.stringContaining("usage-invalid")]);
  const text = "name: x\nmodel: smollm2-135m-instruct\nprompts: [a]\nexecutor: { slurm: { time: 10 } }\n";
  writeFileSync(join(cwd, "x.yaml"), text);
  const condition = ["--fail-on", "decode_tokens_per_sec<5"];
  expect(await refusal(...condition)).toEqual([2, expect.stringContaining("slurm-options")]);
  expect((await refusal())[0]).toBe(0);
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
