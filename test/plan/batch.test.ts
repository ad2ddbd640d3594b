/** `batch_size`: how many prompts a trial answers together, and which. */
import { expect, test } from "vitest";
import { listBatchRows } from "../../src/plan/batch-rows.js";
import { mustRunOutOfMemory } from "../../src/plan/oom-pruning.js";
import type { PlanConfiguration } from "../../src/plan/plan-types.js";
import { minimal, planExperiment } from "../fixtures/experiments.js";

const prompts = ["a", "b", "c"].map((id, index) => ({ prompt_index: index, prompt_id: id, prompt: id }));
const listRows = (index: number, batchSize: number, readable = prompts) =>
  listBatchRows(prompts[index] as (typeof prompts)[number], readable, batchSize).map(({ prompt }) => prompt);

test("a batch is the trial's own prompt and the next ones, from the list's beginning after its end", () => {
  expect(listRows(0, 1)).toEqual(["a"]);
  expect(listRows(1, 2)).toEqual(["b", "c"]);
  expect(listRows(2, 5)).toEqual(["c", "a", "b", "c", "a"]);
});

test("repeats of a prompt add no row, and a prompt that cannot be read is in no batch", () => {
  expect(listRows(0, 3, [...prompts, ...prompts])).toEqual(["a", "b", "c"]);
  expect(listRows(0, 3, prompts.slice(1))).toEqual(["a", "b", "c"]);
  expect(listRows(1, 3, prompts.slice(1))).toEqual(["b", "c", "b"]);
});

test("one prompt at a time has the identity that it had before there were batches", async () => {
  const of = async (...lines: readonly string[]) =>
    (await planExperiment(minimal(...lines))).configurations.map(({ inputs_sha256 }) => inputs_sha256);
  const before = [
    "85d2c137e851d59545ac71ef1870d88cdcf6b5e892ec87d040531779024f62eb",
    "a03bdb585f5ad72775ac19e4fe47f77f94528402a8213b350eeb5b3c5ebc3091",
  ];
  expect(await of("matrix: {quantization: [none, fp4]}")).toEqual(before);
  expect(await of("matrix: {quantization: [none, fp4], batch_size: 1}")).toEqual(before);
  const larger = await of("matrix: {quantization: [none, fp4]}", "generation: {batch_size: 4}");
  expect(new Set([...larger, ...before]).size).toBe(4);
});

const SWEEP = minimal("matrix: {quantization: [none, int8], batch_size: [1, 4, 16]}");

test("a batch is an axis: it is in labels, and what is quantized is compared at its own batch", async () => {
  const { configurations, header } = await planExperiment(SWEEP);
  expect(configurations.map(({ worker }) => worker.label)).toEqual([
    "none batch 1",
    "none batch 4",
    "none batch 16",
    "int8 batch 1",
    "int8 batch 4",
    "int8 batch 16",
  ]);
  expect(configurations.map(({ batch_size }) => batch_size)).toEqual([1, 4, 16, 1, 4, 16]);
  expect(configurations.map(({ reference_id }) => reference_id)).toEqual([
    ...["none-batch-1", "none-batch-4", "none-batch-16"],
    ...["none-batch-1", "none-batch-4", "none-batch-16"],
  ]);
  // Every prompt has its own trial, whatever the batch size.
  expect(header.trials).toBe(6);
});

test("what ran out of memory while generating implies larger batches, and no smaller ones", async () => {
  const { configurations } = await planExperiment(SWEEP);
  const implies = (failed: string, candidate: string, use: "weights" | "tokens") => {
    const find = (label: string) =>
      configurations.find(({ worker }) => worker.label === label) as PlanConfiguration;
    return mustRunOutOfMemory(find(failed), find(candidate), use, "out-of-memory-host");
  };
  expect(implies("int8 batch 4", "int8 batch 16", "tokens")).toBe(true);
  expect(implies("int8 batch 4", "none batch 16", "tokens")).toBe(true);
  expect(implies("int8 batch 4", "int8 batch 1", "tokens")).toBe(false);
  expect(implies("int8 batch 4", "none batch 1", "tokens")).toBe(false);
  expect(implies("int8 batch 16", "none batch 1", "weights")).toBe(true);
});

test("a batch of none is refused where it stands", async () => {
  await expect(planExperiment(minimal("matrix: {batch_size: [0, 4]}"))).rejects.toThrow();
});

test("prompt_tokens is an axis of its own: named, in the identity where it is given, and memory implies longer ones", async () => {
  const { configurations } = await planExperiment(minimal("matrix: {prompt_tokens: [128, 2048]}"));
  expect(configurations.map(({ worker }) => worker.label)).toEqual(["prompt 128", "prompt 2048"]);
  expect(configurations.map(({ generation }) => generation.prompt_tokens)).toEqual([128, 2048]);
  const [short, long] = configurations as [PlanConfiguration, PlanConfiguration];
  expect(short.inputs_sha256).not.toBe(long.inputs_sha256);
  expect(mustRunOutOfMemory(short, long, "tokens", "out-of-memory-host")).toBe(true);
  expect(mustRunOutOfMemory(long, short, "tokens", "out-of-memory-host")).toBe(false);
  const [asTheyAre] = (await planExperiment(minimal())).configurations;
  expect(asTheyAre?.generation).not.toHaveProperty("prompt_tokens");
  expect(mustRunOutOfMemory(short, asTheyAre as PlanConfiguration, "tokens", "out-of-memory-host")).toBe(
    false,
  );
});
