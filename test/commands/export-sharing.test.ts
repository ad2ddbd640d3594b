import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { type ExportArgs, run } from "../../src/commands/export.js";
import { collectErrors } from "../fixtures/experiments.js";
import { testIo } from "../fixtures/io.js";
import { testPython } from "../fixtures/python.js";
import { THREE } from "../fixtures/records.js";
import { scratchFolder } from "../fixtures/run-folder.js";
import { addRun } from "../fixtures/run-on-disk.js";

const examples = fileURLToPath(new URL("../../results/example", import.meta.url));

async function exported(args: Partial<ExportArgs> & Pick<ExportArgs, "to">, cwd = scratchFolder()) {
  const { io, stdout, stderr } = testIo(cwd);
  await run(io, { runs: [], all: false, results: examples, output: "-", ...args });
  return { cwd, stdout: stdout(), stderr: stderr() };
}

/** Runs a Python program with these arguments, and returns the JSON that it prints. */
function askPython(program: string, ...args: readonly string[]) {
  const env = { ...process.env, HF_HUB_OFFLINE: "1", HF_HOME: scratchFolder() };
  const options = { encoding: "utf8", env, stdio: "pipe" } as const;
  return JSON.parse(execFileSync(testPython(), ["-c", program, ...args], options));
}

/** Reads a card's `model-index` with the hub's own classes, and checks whether they write the same data again. */
const READ_CARD = `
import json, sys
from huggingface_hub import ModelCard, ModelCardData
card = ModelCard.load(sys.argv[1])
results = [(one.dataset_type, one.metric_type, one.metric_name, one.metric_value, one.metric_args) for one in card.data.eval_results]
again = ModelCardData(**card.data.to_dict())
print(json.dumps({
    "name": card.data.model_name, "tag": card.data.pipeline_tag, "results": results, "text": card.text,
    "same": again.to_dict() == card.data.to_dict(),
}))`;

test("a model card's results are read by the hub's own classes, quality with its interval", async () => {
  const { cwd } = await exported({ to: "model-card", runs: ["quality"], output: "card.md" });
  const card = askPython(READ_CARD, join(cwd, "card.md"));
  expect(card).toMatchObject({ name: "SmolLM2-135M-Instruct", tag: "text-generation", same: true });
  const named = new Map<string, unknown[]>(
    card.results.map((one: string[]) => [`${one[0]}: ${one[2]}`, one]),
  );
  const [dataset, type, , perplexity, args] = named.get("code: perplexity, fp4") as never[];
  expect([dataset, type]).toEqual(["code", "perplexity"]);
  expect(perplexity).toBeGreaterThan(1);
  expect(args).toMatchObject({ configuration: "fp4", context_tokens: expect.any(Number) });
  expect(named.get("code: KL, fp4")?.[4]).toMatchObject({ ci95_low: expect.any(Number) });
  expect(named.get("quality: tokens/s, none")?.[4]).toMatchObject({ unit: "tokens a second" });
  expect(card.text).toContain("| bf16 (unquantized) \\* |");
  expect(card.text).toMatch(/Measured on .*torch 2\.\d+/);
});

test("names that YAML would read as something else stay names, and nothing in them becomes metadata", async () => {
  const cwd = scratchFolder();
  const nasty = 'yes: {"a": [1]}\n---\nlicense: mit';
  addRun(join(cwd, "results"), "quant/20261124T030000Z-bbbb", {
    modelName: nasty,
    configurations: THREE.map((one, i) => ({ ...one, label: i === 0 ? "1e3" : `no ${nasty}` })),
  });
  await exported({ to: "model-card", runs: ["quant"], results: "results", output: "card.md" }, cwd);
  const card = askPython(READ_CARD, join(cwd, "card.md"));
  expect(card.name).toBe('yes: {"a": [1]} --- license: mit');
  expect(card.results.map((one: { configuration: string }[]) => one[4]?.configuration)).toContain("1e3");
  const { stdout } = await exported({ to: "model-card", runs: ["quant"], results: "results" }, cwd);
  expect(stdout).not.toMatch(/^license:/m);
});

test("a run of which nothing completed makes a card without results", async () => {
  const cwd = scratchFolder();
  const configurations = THREE.map((one) => ({ ...one, failsAtLoad: { code: "model-corrupt" } }));
  addRun(join(cwd, "results"), "quant/20261124T030000Z-bbbb", { configurations });
  const { stdout } = await exported({ to: "model-card", runs: ["quant"], results: "results" }, cwd);
  expect(stdout).not.toContain("model-index");
  expect(stdout).toContain("**int8 failed**");
});

test("the benchmark action gets a file for each direction, and one value a name: of the newest run", async () => {
  const cwd = scratchFolder();
  for (const [id, tokensPerSec] of [
    ["20261124T030000Z-bbbb", 20],
    ["20261125T030000Z-cccc", 30],
  ] as const) {
    addRun(join(cwd, "results"), `quant/${id}`, {
      configurations: [{ id: "none", reference: true, tokensPerSec }],
    });
  }
  const args = { to: "benchmark-action", runs: ["quant"], all: true, results: "results" } as const;
  const { stderr } = await exported({ ...args, output: "bench" }, cwd);
  const read = (name: string) => JSON.parse(readFileSync(join(cwd, "bench", name), "utf8"));
  const bigger = read("bigger-is-better.json");
  expect(bigger).toHaveLength(1);
  expect(bigger[0]).toMatchObject({
    name: "quant / none / tokens/s",
    unit: "tokens a second",
    range: expect.stringMatching(/^[\d.]+ to [\d.]+$/),
    extra: expect.stringContaining("run 20261125T030000Z-cccc"),
  });
  expect(bigger[0].value).toBeGreaterThan(25);
  const smaller: { name: string; value: unknown }[] = read("smaller-is-better.json");
  expect(smaller.map(({ name }) => name)).toEqual(
    expect.arrayContaining(["quant / none / TTFT", "quant / none / Peak RSS", "quant / none / weights"]),
  );
  expect(smaller.every(({ value }) => typeof value === "number")).toBe(true);
  expect(new Set(smaller.map(({ name }) => name)).size).toBe(smaller.length);
  expect(stderr).toContain("tool: customBiggerIsBetter, output-file-path: bench/bigger-is-better.json");
});

/** Loads a dataset as a stranger would who takes it from the hub. */
const LOAD_DATASET = `
import json, sys
from datasets import load_dataset
from huggingface_hub import DatasetCard
rows = load_dataset(sys.argv[1], "trials", split="train")
card = DatasetCard.load(sys.argv[1] + "/README.md").data.to_dict()
print(json.dumps({"rows": len(rows), "hosts": sorted(set(rows["hostname"])), "answers": rows["output_text"][:1], "card": card}))`;

test("a hub dataset loads as it lies there, tells its columns, and not the machine's name; its upload is told", async () => {
  const { cwd, stderr } = await exported({ to: "hub-dataset", all: true, output: "my data" });
  const folder = join(cwd, "my data");
  expect(readdirSync(folder).sort()).toEqual(["README.md", "summaries.jsonl", "trials.parquet"]);
  const { rows, hosts, answers, card } = askPython(LOAD_DATASET, folder);
  expect(rows).toBe(45);
  expect(hosts).toEqual([""]);
  expect(answers[0]).toMatch(/\w/);
  expect(card).toMatchObject({ size_categories: ["n<1K"], tags: expect.arrayContaining(["falcon-exp"]) });
  const summaries = readFileSync(join(folder, "summaries.jsonl"), "utf8").trim().split("\n");
  expect(summaries.map((line) => JSON.parse(line).experiment).sort()).toEqual(["quality", "quant"]);
  expect(readFileSync(join(folder, "README.md"), "utf8")).toContain("| `decode_tokens_per_sec` | double |");
  expect(stderr).toContain("hf upload YOU/NAME 'my data' . --repo-type dataset");
});

test("what is several files needs a folder, and one that cannot be made says so", async () => {
  const [error] = await collectErrors(() => exported({ to: "hub-dataset", runs: ["quant"] }));
  expect(error).toMatchObject({ code: "export-needs-folder", exitCode: 2 });
  const cwd = scratchFolder();
  writeFileSync(join(cwd, "file"), "");
  const [failed] = await collectErrors(() =>
    exported({ to: "hub-dataset", runs: ["quant"], output: "file/dataset" }, cwd),
  );
  expect(failed).toMatchObject({ code: "export-write-failed", exitCode: 7 });
});
