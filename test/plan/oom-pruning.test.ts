import { expect, test } from "vitest";
import { mustRunOutOfMemory } from "../../src/plan/oom-pruning.js";
import { planExperiment } from "../fixtures/experiments.js";

const HOST = "out-of-memory-host";
const DEVICE = "out-of-memory-device";

async function configurations(...matrix: readonly string[]) {
  const text = ["name: x", "model: smollm2-135m-instruct", "prompts: [a]", "matrix:", ...matrix, ""].join(
    "\n",
  );
  const { configurations: all } = await planExperiment(text);
  return (label: string) => {
    const found = all.find(({ worker }) => worker.label === label);
    if (found === undefined)
      throw new Error(`${label} is not one of ${all.map((one) => one.worker.label).join(", ")}`);
    return found;
  };
}

test("what did not fit at all implies that weights of more bits do not fit either, and nothing of fewer", async () => {
  const of = await configurations("  quantization: [{type: nf4, double_quant: true}, fp4, int8, none]");
  expect(mustRunOutOfMemory(of("int8"), of("none"), "weights", HOST)).toBe(true);
  expect(mustRunOutOfMemory(of("int8"), of("fp4"), "weights", HOST)).toBe(false);
  expect(mustRunOutOfMemory(of("fp4"), of("int8"), "weights", HOST)).toBe(true);
  expect(mustRunOutOfMemory(of("fp4"), of("nf4-double"), "weights", HOST)).toBe(false);
});

test("between libraries bits say nothing, and of what is as stored nothing is known before a load", async () => {
  const of = await configurations(
    "  quantization: [fp4, torchao-int8, quanto-int4, quanto-int8, as-stored, none]",
  );
  expect(mustRunOutOfMemory(of("fp4"), of("torchao-int8"), "weights", HOST)).toBe(false);
  expect(mustRunOutOfMemory(of("quanto-int4"), of("quanto-int8"), "weights", HOST)).toBe(true);
  expect(mustRunOutOfMemory(of("torchao-int8"), of("none"), "weights", HOST)).toBe(true);
  for (const other of ["fp4", "none", "quanto-int8"]) {
    expect(mustRunOutOfMemory(of(other), of("as-stored"), "weights", HOST)).toBe(false);
    expect(mustRunOutOfMemory(of("as-stored"), of(other), "weights", HOST)).toBe(false);
  }
});

test("what ran out of memory while generating implies only what generates as many tokens", async () => {
  const of = await configurations("  quantization: [int8, none]", "  max_new_tokens: [8, 64, 512]");
  expect(
    mustRunOutOfMemory(of("int8 max_new_tokens=64"), of("int8 max_new_tokens=512"), "tokens", HOST),
  ).toBe(true);
  expect(mustRunOutOfMemory(of("int8 max_new_tokens=64"), of("int8 max_new_tokens=8"), "tokens", HOST)).toBe(
    false,
  );
  expect(
    mustRunOutOfMemory(of("int8 max_new_tokens=64"), of("none max_new_tokens=512"), "tokens", HOST),
  ).toBe(true);
  expect(mustRunOutOfMemory(of("int8 max_new_tokens=64"), of("none max_new_tokens=8"), "tokens", HOST)).toBe(
    false,
  );
  expect(mustRunOutOfMemory(of("int8 max_new_tokens=64"), of("none max_new_tokens=8"), "weights", HOST)).toBe(
    true,
  );
});

test("what is compiled may have needed more than what is not", async () => {
  const of = await configurations(
    "  cache: static",
    "  compile: [none, forward]",
    "  quantization: [int8, none]",
  );
  const [plain, compiled] = [of("none not compiled"), of("int8 compiled")];
  expect(mustRunOutOfMemory(compiled, plain, "tokens", HOST)).toBe(false);
  expect(mustRunOutOfMemory(of("int8 not compiled"), of("none compiled"), "tokens", HOST)).toBe(true);
});

test("a text is read otherwise through a quantized cache, and the same through all others", async () => {
  const of = await configurations("  cache: [auto, static, {bits: 2}]", "  quantization: [int8, none]");
  const [auto, quantized] = ["int8", "int8 quanto 2-bit cache"].map(of) as [never, never];
  for (const use of ["text", "tokens"] as const) {
    expect(mustRunOutOfMemory(auto, of("none quanto 2-bit cache"), use, HOST)).toBe(false);
    expect(mustRunOutOfMemory(quantized, of("none"), use, HOST)).toBe(false);
    expect(mustRunOutOfMemory(quantized, of("none quanto 2-bit cache"), use, HOST)).toBe(true);
  }
  expect(mustRunOutOfMemory(auto, of("none static cache"), "text", HOST)).toBe(true);
  expect(mustRunOutOfMemory(auto, of("none quanto 2-bit cache"), "weights", HOST)).toBe(true);
});

test("another dtype, device or kernel is another family", async () => {
  const of = await configurations("  device: [cpu, cuda]", "  quantization: [int8, none]");
  expect(mustRunOutOfMemory(of("int8 cuda"), of("none cuda"), "weights", HOST)).toBe(true);
  expect(mustRunOutOfMemory(of("int8 cuda"), of("none cpu"), "weights", HOST)).toBe(false);
});

test("modules left out of quantization make sizes incomparable", async () => {
  const of = await configurations("  quantization: [int8, {type: fp4, skip_modules: [mlp]}]");
  expect(mustRunOutOfMemory(of("fp4-skip-mlp"), of("int8"), "weights", HOST)).toBe(false);
});

test("with device: auto an unquantized model goes to the CPU in part where a quantized one does not fit", async () => {
  const of = await configurations("  device: [auto, cuda]", "  quantization: [fp4, int8, none]");
  expect(mustRunOutOfMemory(of("int8"), of("none"), "weights", DEVICE)).toBe(false);
  expect(mustRunOutOfMemory(of("int8"), of("none"), "weights", HOST)).toBe(true);
  expect(mustRunOutOfMemory(of("fp4"), of("int8"), "weights", DEVICE)).toBe(true);
  expect(mustRunOutOfMemory(of("int8 cuda"), of("none cuda"), "weights", DEVICE)).toBe(true);
});

test("no other failure implies anything", async () => {
  const of = await configurations("  quantization: [int8, none]");
  expect(mustRunOutOfMemory(of("int8"), of("none"), "weights", "device-fault")).toBe(false);
});

test.each([
  ["system: [Be brief., Be.]", 'system="Be brief."', 'system="Be."'],
  ["min_new_tokens: [0, 8]", "min_new_tokens=8", "min_new_tokens=0"],
  ["stop: [[.], [end]]", 'stop=["."]', 'stop=["end"]'],
])("what may have a shorter prompt or end sooner is tried all the same: %s", async (axis, ran, other) => {
  const of = await configurations("  quantization: [int8, none]", `  ${axis}`, "  max_new_tokens: [8, 64]");
  const failed = of(`int8 max_new_tokens=8 ${ran}`);
  expect(mustRunOutOfMemory(failed, of(`none max_new_tokens=64 ${ran}`), "tokens", HOST)).toBe(true);
  expect(mustRunOutOfMemory(failed, of(`none max_new_tokens=64 ${other}`), "tokens", HOST)).toBe(false);
});
