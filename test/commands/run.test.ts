import { existsSync, readdirSync, readFileSync, readlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { execa } from "execa";
import { expect, test, vi } from "vitest";
import type { RunFileRecord } from "../../src/run/record-types.js";
import { isAlive, listDescendants } from "../fixtures/descendants.js";
import { testPython } from "../fixtures/python.js";
import { recordsIn, scratchFolder } from "../fixtures/run-folder.js";
import { scriptedPython } from "../fixtures/started-run.js";
import { falconExp } from "./cli.js";

const root = fileURLToPath(new URL("../../", import.meta.url));
const tiny = join(root, "experiments/falcon-tiny.yaml");

interface Finished {
  readonly exitCode: number | undefined;
  readonly stdout: string;
  readonly stderr: string;
  readonly folder: string;
  readonly records: readonly RunFileRecord[];
}

async function runIn(cwd: string, args: readonly string[], python = testPython()): Promise<Finished> {
  const result = await falconExp(
    ["run", "--python", python, "--set", "disturbed_retries=0", "--set", "rounds=1", ...args],
    { cwd },
  );
  return { ...result, ...recordsIn(cwd) };
}

const listOutcomes = (records: readonly RunFileRecord[]) =>
  records.flatMap((record) =>
    record.kind === "configuration" ? [record.status === "failed" ? record.failure.code : record.status] : [],
  );

test("a Falcon is measured unquantized and with every decoder layer in 8-bit and 4-bit", async () => {
  const { exitCode, records, stdout, stderr, folder } = await runIn(scratchFolder(), [tiny]);
  expect(exitCode, stderr).toBe(0);
  expect(records.filter((record) => record.kind === "trial" && record.status === "completed")).toHaveLength(
    24,
  );
  const proofs = records.flatMap((record) =>
    record.kind === "load" ? [[record.configuration, record.load.proof.quantized_linear_layers]] : [],
  );
  // Seven layers with four linear modules each; the output head is not quantized.
  expect(proofs).toEqual([
    ["none", 0],
    ["int8", 28],
    ["fp4", 28],
    ["nf4", 28],
  ]);
  expect(stdout).toContain("falcon-tiny: falcon with random weights");
  expect(stderr).toContain("[4/4] nf4: trial 6/6");
  expect(stderr).not.toContain("\u001b");
  const before = readFileSync(join(folder, "charts/overview.png"));
  const again = await falconExp(["report", folder]);
  expect(again.exitCode).toBe(0);
  expect(readFileSync(join(folder, "charts/overview.png")).equals(before)).toBe(true);
});

test("what is not quantized, not there or not possible fails with its own code, and the others are measured", async () => {
  const include = "include=[{model: ./missing}, {dtype: float8_e4m3fn}, {dtype: float32}]";
  // Without the workaround, no layer of a Falcon is quantized.
  const args = [tiny, "--set", "workarounds=none", "--set", include];
  const { exitCode, records, stdout } = await runIn(scratchFolder(), args);
  expect(exitCode).toBe(4);
  expect(listOutcomes(records)).toEqual([
    "completed",
    "quantization-not-applied",
    "quantization-not-applied",
    "quantization-not-applied",
    "model-not-found",
    "dtype-unsupported",
    "completed",
  ]);
  expect(stdout).toContain("fp4 bfloat16 failed: quantization-not-applied");
});

test("when nothing can be loaded the exit code says so, a report is written, and --json prints the summary alone", async () => {
  const { exitCode, folder, stdout } = await runIn(
    scratchFolder(),
    [tiny, "--json"],
    scriptedPython("fail-load"),
  );
  expect(exitCode).toBe(5);
  expect(readdirSync(join(folder, "charts"))).toContain("overview.png");
  expect(JSON.parse(stdout)).toMatchObject({
    status: "all_failed",
    experiment: "falcon-tiny",
    trials_completed: 0,
  });
});

/** Starts a run whose first configuration takes a long time, and waits until it generates. */
async function startLongRun(cwd: string) {
  const file = join(cwd, "long.yaml");
  const long = readFileSync(tiny, "utf8")
    .replaceAll("tokens: 24", "tokens: 100")
    .replace("warmup: 1", "warmup: 0\nretries: 0\ndisturbed_retries: 0\nrounds: 1");
  writeFileSync(
    file,
    long.replace("[none, int8, fp4, nf4]", "[none, fp4]").replace("repeats: 2", "repeats: 30"),
  );
  const args = [join(root, "bin/falcon-exp.js"), "run", file, "--python", testPython()];
  const child = execa(process.execPath, args, { cwd, reject: false });
  let stderr = "";
  child.stderr?.on("data", (chunk: Buffer) => {
    stderr += chunk.toString();
  });
  await vi.waitFor(() => expect(stderr).toContain("unquantized: trial 1/"), {
    timeout: 100_000,
    interval: 50,
  });
  const pid = child.pid ?? 0;
  return { child, pid, supervisor: listDescendants(pid, 1), trial: listDescendants(pid, 3) };
}

test("a trial process killed in the middle fails its configuration; the next one is measured, until SIGINT ends the run", async () => {
  const cwd = scratchFolder();
  const { child, pid, supervisor, trial } = await startLongRun(cwd);
  expect(trial).toHaveLength(1);
  process.kill(trial[0] as number, "SIGKILL");
  await vi.waitFor(
    () =>
      expect(recordsIn(cwd).records.some((r) => r.kind === "trial" && r.configuration === "fp4")).toBe(true),
    { timeout: 100_000, interval: 100 },
  );
  const nextTrial = listDescendants(pid, 3);
  child.kill("SIGINT");
  const { exitCode } = await child;
  const { records } = recordsIn(cwd);
  expect(records.find((record) => record.kind === "configuration")).toMatchObject({
    configuration: "none",
    status: "failed",
    failure: { code: "trial-process-died", signal: "SIGKILL" },
  });
  expect(exitCode).toBe(130);
  expect(records.at(-1)).toMatchObject({ kind: "run_end", status: "interrupted" });
  expect([...supervisor, ...nextTrial].filter(isAlive)).toEqual([]);
});

test("SIGTERM ends the run with what was measured, exit code 143, and no process left", async () => {
  const cwd = scratchFolder();
  const { child, supervisor, trial } = await startLongRun(cwd);
  child.kill("SIGTERM");
  const { exitCode } = await child;
  expect(exitCode).toBe(143);
  const { records } = recordsIn(cwd);
  expect(records.at(-1)).toMatchObject({ kind: "run_end", status: "interrupted" });
  expect(records.some((record) => record.kind === "trial" && record.status === "completed")).toBe(true);
  expect([...supervisor, ...trial].filter(isAlive)).toEqual([]);
});

test("a controller that is killed takes its worker along", async () => {
  const { child, supervisor, trial } = await startLongRun(scratchFolder());
  const sockets = readlinkSync(`/proc/${supervisor[0]}/cwd`);
  child.kill("SIGKILL");
  await child;
  await vi.waitFor(() => expect([...supervisor, ...trial].filter(isAlive)).toEqual([]), { timeout: 20_000 });
  expect(existsSync(sockets)).toBe(false);
});
