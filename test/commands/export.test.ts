import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { PassThrough } from "node:stream";
import { fileURLToPath } from "node:url";
import { parquetReadObjects } from "hyparquet";
import { expect, test } from "vitest";
import { ExitCode } from "../../src/base/exit-codes.js";
import { type ExportArgs, run } from "../../src/commands/export.js";
import { collectErrors } from "../fixtures/experiments.js";
import { testIo } from "../fixtures/io.js";
import { testPython } from "../fixtures/python.js";
import { THREE } from "../fixtures/records.js";
import { scratchFolder } from "../fixtures/run-folder.js";
import { addRun } from "../fixtures/run-on-disk.js";
import { fakeMachine } from "../python-env/fake.js";
import { falconExp } from "./cli.js";

const examples = fileURLToPath(new URL("../../results/example", import.meta.url));

async function exported(cwd: string, args: Partial<ExportArgs> & Pick<ExportArgs, "to">, isTty = false) {
  const { io, stdout, stderr } = testIo(cwd, { stdoutIsTty: isTty });
  const exitCode = await run(io, { runs: [], all: false, results: "results", output: "-", ...args });
  expect(exitCode).toBe(ExitCode.ok);
  return { stdout, stderr, bytes: () => (io.stdout as PassThrough).read() as Buffer };
}

/** Makes a working folder with two runs of `quant`, the older of which failed entirely, and one run of `other`. */
function workplace(): string {
  const cwd = scratchFolder();
  const results = join(cwd, "results");
  addRun(results, "quant/20261124T020000Z-aaaa", {
    configurations: THREE.map((one) => ({ ...one, failsAtLoad: { code: "model-corrupt" } })),
  });
  addRun(results, "quant/20261124T030000Z-bbbb");
  addRun(results, "other/20261124T010000Z-cccc", { prompts: ["one"] });
  return cwd;
}

/** Matches the start of each row, the version and the run, because answers contain line breaks. */
const rowsOfCsv = (csv: string) => csv.match(/^1,2026\d{4}T\d{6}Z-/gm) ?? [];
const readParquet = (bytes: Uint8Array) => parquetReadObjects({ file: new Uint8Array(bytes).buffer });

test("an experiment's newest run is taken, with --all every one of it, without a name every one there is", async () => {
  const cwd = workplace();
  const runsIn = async (args: Partial<ExportArgs>) => {
    const { bytes } = await exported(cwd, { to: "parquet", ...args });
    return [...new Set((await readParquet(bytes())).map(({ run_id }) => run_id))];
  };
  expect(await runsIn({ runs: ["quant"] })).toEqual(["20261124T030000Z-bbbb"]);
  const both = ["20261124T020000Z-aaaa", "20261124T030000Z-bbbb"];
  expect(await runsIn({ runs: ["quant"], all: true })).toEqual(both);
  expect(await runsIn({ all: true })).toEqual(["20261124T010000Z-cccc", ...both]);
  expect(await runsIn({ runs: ["quant", "results/quant/20261124T030000Z-bbbb"] })).toHaveLength(1);
});

test("CSV and JSON hold the same rows as Parquet, over runs of different configurations", async () => {
  const cwd = workplace();
  const csv = (await exported(cwd, { to: "csv", all: true })).stdout();
  const json = JSON.parse((await exported(cwd, { to: "json", all: true })).stdout());
  const parquet = await readParquet((await exported(cwd, { to: "parquet", all: true })).bytes());
  expect(json.rows).toHaveLength(3 + 3 + 15);
  expect(parquet).toHaveLength(json.rows.length);
  expect(Object.keys(parquet[0] ?? {})).toEqual(Object.keys(json.rows[0]));
  expect(csv.split("\n")[0]?.split(",")).toEqual(Object.keys(json.rows[0]));
  expect(json.summaries.map(({ status }: { status: string }) => status)).toEqual([
    "completed",
    "all_failed",
    "completed",
  ]);
});

test("a file is written whole; one that cannot be written says so with exit code 7", async () => {
  const cwd = workplace();
  const { stdout } = await exported(cwd, { to: "csv", runs: ["quant"], output: "trials.csv" });
  expect(stdout()).toBe("");
  expect(rowsOfCsv(readFileSync(join(cwd, "trials.csv"), "utf8"))).toHaveLength(15);
  const [error] = await collectErrors(() =>
    exported(cwd, { to: "csv", runs: ["quant"], output: "no/trials.csv" }),
  );
  expect(error).toMatchObject({ code: "export-write-failed", exitCode: 7 });
});

test("Parquet is not written to a terminal", async () => {
  const cwd = workplace();
  const [error] = await collectErrors(() => exported(cwd, { to: "parquet", runs: ["quant"] }, true));
  expect(error).toMatchObject({ code: "export-needs-file", exitCode: 2 });
  await exported(cwd, { to: "parquet", runs: ["quant"], output: "x.parquet" }, true);
  expect(existsSync(join(cwd, "x.parquet"))).toBe(true);
});

test("Markdown is the result table, the verdicts and the failures", async () => {
  const markdown = (await exported(workplace(), { to: "markdown", runs: ["quant"], all: true })).stdout();
  const [failed = "", completed = ""] = markdown.split(/^(?=### )/m);
  expect(failed).toContain("- **int8 failed**: model-corrupt");
  expect(failed).toContain("  - next: ");
  expect(completed).toMatch(/^### quant.* SmolLM2/);
  expect(completed).toContain("| bf16 (unquantized) \\* | 269 MB |");
  expect(completed).toMatch(/^- \*\*fp4\*\*: weights 2\.44× smaller/m);
  const rows = completed.split("\n").filter((line) => line.startsWith("|"));
  expect(new Set(rows.map((line) => line.match(/(?<!\\)\|/g)?.length)).size).toBe(1);
});

test("what a file says of itself is shown in Markdown and does nothing", async () => {
  const cwd = scratchFolder();
  const nasty = "<img src=x onerror=alert(1)> | [x](http://x) @all `#1`\u202e";
  addRun(join(cwd, "results"), "quant/20261124T030000Z-bbbb", {
    modelName: nasty,
    modelNote: nasty,
    configurations: THREE.map((one, i) => ({ ...one, label: `${nasty}${i}`, failedTrials: [0] })),
  });
  const markdown = (await exported(cwd, { to: "markdown", runs: ["quant"] })).stdout();
  expect(markdown).not.toMatch(/<img|(?<!\\)\]\(|http:|@all|\u202e|(?<!\\)`/);
  expect(markdown).toContain("&lt;img");
});

test("damaged lines are told, and the rest is exported", async () => {
  const cwd = workplace();
  const records = join(cwd, "results/quant/20261124T030000Z-bbbb/records.jsonl");
  addRun(join(cwd, "results"), "torn/20261124T030000Z-dddd", `${readFileSync(records, "utf8")}{"schema_v`);
  const { stderr, stdout } = await exported(cwd, { to: "csv", runs: ["torn"] });
  expect(stderr()).toMatch(/warning: .*torn/);
  expect(rowsOfCsv(stdout())).toHaveLength(15);
});

test("with --all a run that holds nothing readable is left out with its reason, and the others are exported", async () => {
  const cwd = workplace();
  addRun(join(cwd, "results"), "quant/20261124T040000Z-eeee", "");
  addRun(join(cwd, "results"), "quant/20261124T050000Z-ffff", '{"schema_version": 99, "kind": "run"}\n');
  const { stderr, stdout } = await exported(cwd, { to: "csv", all: true });
  const warnings = stderr();
  expect(warnings).toMatch(/-eeee is left out: no record says what was to be measured/);
  expect(warnings).toMatch(/-ffff is left out: a newer falcon-exp wrote it/);
  expect(rowsOfCsv(stdout())).toHaveLength(3 + 3 + 15);
});

test("no run named, and a name that nothing has, are told apart", async () => {
  const cwd = workplace();
  const [unnamed] = await collectErrors(() => exported(cwd, { to: "csv" }));
  expect(unnamed).toMatchObject({ code: "run-not-named", exitCode: 2 });
  const [unknown] = await collectErrors(() => exported(cwd, { to: "csv", runs: ["quont"], all: true }));
  expect(unknown?.code).toBe("run-not-found");
});

test("the kept runs are exported from the command line", async () => {
  const { exitCode, stdout } = await falconExp(["export", "--all", "--results", examples, "--to", "csv"]);
  expect(exitCode).toBe(0);
  expect(rowsOfCsv(stdout)).toHaveLength(45);
  expect((await falconExp(["export", "quant"])).exitCode).toBe(2);
});

test("without a place, nothing goes to MLflow", async () => {
  const [error] = await collectErrors(() => exported(workplace(), { to: "mlflow", runs: ["quant"] }));
  expect(error).toMatchObject({ code: "mlflow-uri-missing", exitCode: 2 });
});

test("MLflow's client is installed when it is first asked for, and what became of each run is said", async () => {
  const done = { run_id: "r1", experiment: "falcon-exp quant", mlflow_run_id: "m1", configurations: 3 };
  const answer = { runs: [{ ...done, action: "exported" }] };
  const machine = fakeMachine({ FAKE_MLFLOW: JSON.stringify(answer) });
  const cwd = workplace();
  const args = ["export", "quant", "--to", "mlflow", "--tracking-uri", "sqlite:///here.db"];
  const env = { ...machine.env, FALCON_EXP_HOME: machine.home, FALCON_EXP_PYTHON: "" };
  const { exitCode, stdout, stderr } = await falconExp(args, { cwd, env });
  expect(exitCode, stderr).toBe(0);
  expect(stdout).toBe("exported r1 → falcon-exp quant, run m1\n");
  const calls = machine.calls();
  expect(calls.filter((call) => call.includes("mlflow.lock"))).toHaveLength(1);
  expect(calls.at(-1)).toContain(`--tracking-uri sqlite:///${join(cwd, "here.db")}`);
  expect(calls.at(-1)).toContain(`--artifact-location ${join(cwd, "mlruns")}`);
  expect(calls.at(-1)).toMatch(/-- \S+quant\/20261124T030000Z-bbbb$/);
});

test("a run lies in a real local MLflow store afterwards, and is skipped the next time", async () => {
  const cwd = scratchFolder();
  const uri = "sqlite:///store.db";
  const args = ["export", join(examples, "quant"), "--to", "mlflow", "--tracking-uri", uri];
  const env = { FALCON_EXP_PYTHON: testPython() };
  const first = await falconExp(args, { cwd, env });
  expect(first.exitCode, first.stderr).toBe(0);
  expect(first.stdout).toMatch(/^exported 20261124T120305Z-5881 → falcon-exp quant, run [0-9a-f]{32}\n$/);
  const id = first.stdout.trim().split(" ").at(-1) ?? "";
  expect(existsSync(join(cwd, "store.db"))).toBe(true);
  expect(existsSync(join(cwd, "mlruns", id, "artifacts", "records.parquet"))).toBe(true);
  // In a process of its own, as it is in use: only what lies on the disk can tell that the run is there.
  const again = await falconExp(args, { cwd, env });
  expect(again.stdout).toBe(first.stdout.replace("exported", "skipped"));
});

test("where MLflow does not take the runs, it says why", async () => {
  // What the first of them installs is there for the others.
  const machine = fakeMachine();
  const cwd = workplace();
  const args = ["export", "quant", "--to", "mlflow", "--tracking-uri", "http://127.0.0.1:9"];
  const tell = async (variables: Readonly<Record<string, string>>) => {
    const env = { ...machine.env, FALCON_EXP_HOME: machine.home, FALCON_EXP_PYTHON: "", ...variables };
    const { exitCode, stderr } = await falconExp(args, { cwd, env });
    return { exitCode, stderr };
  };
  expect(await tell({ FAKE_FAIL: "mlflow.lock" })).toEqual({
    exitCode: ExitCode.setupFailed,
    stderr: expect.stringContaining("setup-install-failed: pip could not install MLflow's client"),
  });
  const error = { code: "mlflow-missing", message: "No client.", next: "Install it." };
  expect(await tell({ FAKE_MLFLOW: JSON.stringify({ error }) })).toEqual({
    exitCode: ExitCode.resultsFailed,
    stderr: expect.stringMatching(/mlflow-missing: No client\.\s+next: Install it\./),
  });
  expect(await tell({ FAKE_MLFLOW: "Traceback" })).toEqual({
    exitCode: ExitCode.resultsFailed,
    stderr: expect.stringContaining("mlflow-failed"),
  });
});
