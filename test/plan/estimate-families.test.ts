import { execa } from "execa";
import { expect, test } from "vitest";
import { z } from "zod";
import { estimateWeights } from "../../src/plan/estimate.js";
import { modelShapeSchema } from "../../src/protocol/measurements.js";
import { quantizationSchema } from "../../src/quantization/registry.js";
import { pythonFolder, testPython } from "../fixtures/python.js";

const rowSchema = z.object({
  family: z.string(),
  quantization: quantizationSchema,
  dtype: z.string(),
  shape: modelShapeSchema,
  weights_bytes: z.int(),
});

// Chosen for their peculiarities: transposed layers; a mixture of experts with a gate of one row; a buffer in float32 and one
// in the model's dtype; layers whose weights the model's own code reads.
const FAMILIES = ["gpt2", "qwen2_moe", "deepseek_v3", "gemma2", "mamba"];

test("weights are estimated to the byte before a load, under every quantization, whatever stays unquantized", async () => {
  const { stdout } = await execa(testPython(), ["-m", "scripts.weigh_families", ...FAMILIES], {
    cwd: pythonFolder,
  });
  const rows = stdout.split("\n").map((line) => rowSchema.parse(JSON.parse(line)));
  expect(rows).toHaveLength(4 * FAMILIES.length);
  const estimated = rows.map((row) => ({ ...row, weights_bytes: estimateWeights(row) }));
  expect(estimated).toEqual(rows);
});
