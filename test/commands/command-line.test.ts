/** What the command line itself writes: help at every width, errors, and output to a disk that is full. */
import { spawnSync } from "node:child_process";
import { openSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { execa } from "execa";
import { expect, test } from "vitest";
import { planText } from "../../src/plan/plan-file.js";
import { smallPlan } from "../fixtures/plans.js";
import { scratchFolder } from "../fixtures/run-folder.js";
import { addRun } from "../fixtures/run-on-disk.js";
import { falconExp } from "./cli.js";

const bin = fileURLToPath(new URL("../../bin/falcon-exp.js", import.meta.url));
const cli = fileURLToPath(new URL("../../dist/cli.js", import.meta.url));
const widest = (text: string) => Math.max(...text.split("\n").map((line) => line.length));

/** Prints the help of several commands in one process, because a process for each takes seconds; NUL, exit code, NUL after each. */
const PRINT_HELP = `
const [, cli, ...names] = process.argv;
const { main } = await import(cli);
for (const name of names) {
  const exitCode = await main([name, "--help"]);
  process.stdout.write("\\0" + exitCode + "\\0");
}
`;

test.each([60, 80])(
  "every command's help fits a terminal of %s columns and shows examples, which can be typed",
  async (columns) => {
    // There is no Python here, because help must not need one.
    const env = { COLUMNS: String(columns), PATH: "/nonexistent", FALCON_EXP_HOME: "/nonexistent" };
    const all = await falconExp(["--help"], { env });
    expect(widest(all.stdout)).toBeLessThanOrEqual(columns);
    const commands = [...(/Commands:\n([\s\S]*?)\n\n/.exec(all.stdout)?.[1] ?? "").matchAll(/^ {2}(\w+)/gm)];
    expect(commands.length).toBeGreaterThan(12);
    const names = commands.map(([, name = ""]) => name);
    const argv = ["--input-type=module", "--eval", PRINT_HELP, cli, ...names];
    const { stdout } = await execa(process.execPath, argv, { env });
    const printed = stdout.split("\0");
    expect(printed.pop()).toBe("");
    expect(printed).toHaveLength(names.length * 2);
    for (const [index, name] of names.entries()) {
      const [help = "", exitCode] = printed.slice(index * 2);
      expect(exitCode, help).toBe("0");
      expect(widest(help), help).toBeLessThanOrEqual(columns);
      // A long command continues on further lines, as a shell allows, so a prompt always precedes the program's name.
      for (const line of help.split("\n").filter((one) => one.startsWith("  $ "))) {
        expect(line).toMatch(/^ {2}\$ falcon-exp /);
      }
      if (name !== "help") expect(help).toContain(`$ falcon-exp ${name}`);
    }
  },
);

test("a mistake in the command line looks like every other error", async () => {
  const { exitCode, stderr } = await falconExp(["plam"]);
  expect(exitCode).toBe(2);
  expect(stderr).toBe("error usage-invalid: Unknown command 'plam'\n  next: Did you mean plan?\n");
});

test("hints name the program as it was called", async () => {
  const { stdout } = await falconExp(["list"], {
    env: { FALCON_EXP_COMMAND: "npx falcon-exp" },
    cwd: scratchFolder(),
  });
  expect(stdout.replaceAll("\n", " ")).toContain("npx falcon-exp run experiments/quant.yaml");
});

test("a result that the disk behind stdout does not take is told, and is no defect", async () => {
  const results = scratchFolder();
  addRun(results, "quant/20261124T020000Z-0001");
  const { status, stderr } = spawnSync(process.execPath, [bin, "list", "--results", results], {
    stdio: ["ignore", openSync("/dev/full", "w"), "pipe"],
    encoding: "utf8",
  });
  expect(status).toBe(7);
  expect(stderr).toMatch(/^error output-write-failed: .*ENOSPC/);
});

test("an unreadable folder of runs is told as such, by every command that reads it", async () => {
  // Run as another user, because root can read every folder.
  const results = scratchFolder();
  addRun(results, "quant/20261124T020000Z-0001");
  await execa("chmod", ["755", results]);
  await execa("chmod", ["700", join(results, "quant")]);
  for (const command of ["show", "report", "export", "list"]) {
    const args = command === "list" ? ["list"] : [command, "quant"];
    const { exitCode, stderr } = await execa(
      process.execPath,
      [bin, ...args, "--results", results, ...(command === "export" ? ["--to", "json"] : [])],
      { uid: 65_534, gid: 65_534, cwd: "/", reject: false },
    );
    if (command === "list") expect(`${exitCode} ${stderr}`).toBe("0 warning: cannot be read: quant");
    else expect(`${exitCode} ${stderr}`).toMatch(/^7 error results-not-found: .*EACCES/);
  }
});

test("what is no file under a record's name is told, and never waited for", async () => {
  const results = scratchFolder();
  const { folder, records } = addRun(results, "quant/20261124T020000Z-0001");
  await execa("rm", [records]);
  await execa("mkfifo", [records]);
  const report = await falconExp(["report", folder]);
  expect(report.exitCode).toBe(7);
  expect(report.stderr).toContain("is no regular file");
  const list = await falconExp(["list", "--json", "--results", results]);
  expect(JSON.parse(list.stdout).runs[0]).toMatchObject({
    status: "damaged",
    problem: expect.stringContaining("no regular file"),
  });
  const resume = await falconExp(["run", "--resume", folder]);
  expect(resume.exitCode).toBe(7);
});

test("a number without a unit is not a valid amount of memory", async () => {
  const { exitCode, stderr } = await falconExp(["fit", "smollm2-135m-instruct", "--memory", "24"]);
  expect(exitCode).toBe(2);
  expect(stderr).toContain("error memory-invalid: --memory 24 has no unit.\n  next: Write it as 24GB");
});

test("a run's name in place of its file, and a configuration in place of a run, are understood", async () => {
  const cwd = scratchFolder();
  await falconExp(["init"], { cwd });
  const run = await falconExp(["plan", "quant"], { cwd });
  expect(run.exitCode).toBe(3);
  expect(run.stderr).toBe(
    "quant: error experiment-file-unreadable: The experiment file cannot be read: there is no such file.\n  next: Did you mean experiments/quant.yaml?\n",
  );
  const show = await falconExp(["show", "quant#none"], { cwd });
  expect(show.stderr).toContain("next: Give only the run: quant.");
});

test("a results folder that is named and not there is told; the usual one is empty until there is a run", async () => {
  const cwd = scratchFolder();
  for (const command of [
    ["list", "--results", "/nope"],
    ["serve", "/nope"],
  ]) {
    const { exitCode, stderr } = await falconExp(command, { cwd });
    expect(`${exitCode} ${stderr}`).toMatch(/^7 error results-not-found: There is no folder \/nope/);
  }
  expect((await falconExp(["list"], { cwd })).exitCode).toBe(0);
  expect((await falconExp(["list", "--results", ""], { cwd })).exitCode).toBe(2);
});

test("a model folder that is not here is warned of by what only plans: the models may be on another machine", async () => {
  const cwd = scratchFolder();
  writeFileSync(join(cwd, "x.yaml"), "name: x\nmodel: ./nowhere\nprompts: [hello]\n");
  for (const command of ["validate", "plan"]) {
    const { exitCode, stderr } = await falconExp([command, "x.yaml"], { cwd });
    expect(exitCode).toBe(0);
    expect(stderr).toBe(`WARNING: no such model folder on this machine: ${join(cwd, "nowhere")}\n`);
  }
});

test("an unknown key of --set is marked where it was typed", async () => {
  const cwd = scratchFolder();
  writeFileSync(join(cwd, "x.yaml"), "name: x\nmodel: smollm2-135m-instruct\nprompts: [hello]\n");
  const { stderr } = await falconExp(["validate", "x.yaml", "--set", "repeat=3"], { cwd });
  expect(stderr).toContain("--set: error experiment-unknown-key");
  expect(stderr).toContain("   | repeat=3\n   | ^^^^^^\n");
});

test("a model folder that is not there is told before any Python is looked for", async () => {
  const cwd = scratchFolder();
  writeFileSync(join(cwd, "x.yaml"), "name: x\nmodel: ./nowhere\nprompts: [hello]\n");
  const env = { FALCON_EXP_HOME: join(cwd, "home"), PATH: "/nonexistent" };
  const { exitCode, stderr } = await falconExp(["run", "x.yaml"], { cwd, env });
  expect(exitCode).toBe(3);
  expect(stderr).toContain(
    `error model-folder-missing: There is no such model folder: ${join(cwd, "nowhere")}.`,
  );
});

test("a run whose first record is gone is not resumed, nor told to have nothing left", async () => {
  const results = scratchFolder();
  const { folder, records, plan } = addRun(results, "quant/20261124T020000Z-0001");
  const lines = readFileSync(records, "utf8").split("\n");
  writeFileSync(records, lines.slice(1).join("\n"));
  writeFileSync(plan, planText(smallPlan(["none"])));
  const { exitCode, stderr } = await falconExp(["run", "--resume", folder]);
  expect(exitCode).toBe(7);
  expect(stderr).toContain("results-run-missing");
  expect(stderr).not.toContain("Nothing is left");
});

test("one configuration is planned in words, several in a table with their whole names", async () => {
  const cwd = scratchFolder();
  const file = (lines: string) =>
    `name: x\nmodel: smollm2-135m-instruct\nprompts: [hello]\ngeneration: {max_new_tokens: 32}\n${lines}`;
  writeFileSync(join(cwd, "one.yaml"), file(""));
  const one = (await falconExp(["plan", "one.yaml"], { cwd })).stdout;
  expect(one).toContain("  generation: 32 new tokens, greedy");
  expect(one).not.toContain("…");
  writeFileSync(
    join(cwd, "more.yaml"),
    file("matrix: {quantization: [none, nf4], dtype: [bfloat16, float32], attention: [sdpa, eager]}\n"),
  );
  const more = (await falconExp(["plan", "more.yaml"], { cwd })).stdout;
  expect(more).toContain("│ nf4 float32 eager");
});
