import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { findExtras } from "../../src/commands/find-extras.js";
import { minimal, planExperiment } from "../fixtures/experiments.js";
import { scratchFolder } from "../fixtures/run-folder.js";

const extrasOf = async (...quantizations: readonly string[]) =>
  findExtras(await planExperiment(minimal("matrix:", `  quantization: [${quantizations.join(", ")}]`)));

test("each library is asked for once, and only where a configuration needs it", async () => {
  expect(await extrasOf("none", "int8", "nf4")).toEqual([]);
  expect(await extrasOf("none", "torchao-int8", "torchao-float8", "quanto-int4")).toEqual([
    "torchao",
    "quanto",
  ]);
});

test("what reads a stored checkpoint is found in its config; of a hub's files nothing is known yet", async () => {
  const write = (config: object) => {
    const folder = join(scratchFolder(), "checkpoint");
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, "config.json"), JSON.stringify(config));
    return `{method: as-stored, checkpoint: ${folder}}`;
  };
  const stored = (quant_method: string) => write({ quantization_config: { quant_method } });
  expect(await extrasOf(stored("compressed-tensors"))).toEqual(["compressed-tensors"]);
  expect(await extrasOf(stored("torchao"), "torchao-int8")).toEqual(["torchao"]);
  // None of the extras reads these checkpoints; the worker says so.
  expect(await extrasOf(stored("gptq"), write({}))).toEqual([]);
  expect(
    await extrasOf(
      "{method: as-stored, checkpoint: lab/model-awq}",
      "{method: as-stored, checkpoint: /nowhere}",
    ),
  ).toEqual([]);
});
