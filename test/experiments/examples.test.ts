import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { Ajv } from "ajv";
import { expect, test } from "vitest";
import { parse } from "yaml";
import { loadExperiment } from "../../src/experiment/load.js";
import { makePlan } from "../../src/plan/make-plan.js";

const folder = fileURLToPath(new URL("../../experiments/", import.meta.url));
const examples = readdirSync(folder).filter((name) => name.endsWith(".yaml"));

const schema = JSON.parse(readFileSync(`${folder}experiment.schema.json`, "utf8"));
const validate = new Ajv({ strict: false }).compile(schema);

async function planExperiment(name: string) {
  const { experiment } = await loadExperiment(`${folder}${name}`, { overrides: [] });
  return makePlan(experiment, { workerCodeSha256: "0" });
}

test.each(examples)("%s can be planned and is named as its file", async (name) => {
  const plan = await planExperiment(name);
  expect(`${plan.header.experiment}.yaml`).toBe(name);
});

test.each(examples)("%s tells editors its schema, and holds by it", (name) => {
  const text = readFileSync(`${folder}${name}`, "utf8");
  expect(text.split("\n")[0]).toBe("# yaml-language-server: $schema=./experiment.schema.json");
  expect(validate(parse(text)), JSON.stringify(validate.errors)).toBe(true);
  expect(validate({ ...parse(text), repeat: 2 })).toBe(false);
});

test("quant.yaml measures bf16, 8-bit and 4-bit on five prompts", async () => {
  const plan = await planExperiment("quant.yaml");
  expect(plan.configurations.map(({ worker }) => worker.label)).toEqual(["none", "int8", "fp4"]);
  expect(plan.configurations.every(({ worker }) => worker.dtype === "bfloat16")).toBe(true);
  expect(plan.trials).toHaveLength(15);
});

test("falcon-40b.yaml is the article's experiment", async () => {
  const plan = await planExperiment("falcon-40b.yaml");
  const [fourBit, eightBit] = plan.configurations;
  expect(fourBit?.worker).toMatchObject({
    model: { source: "hub", repo: "tiiuae/falcon-40b-instruct" },
    quantization: { method: "4bit", type: "fp4", compute_dtype: "float32", double_quant: false },
    device: "auto",
    trust_remote_code: false,
  });
  expect(eightBit?.worker.quantization.method).toBe("int8");
  expect(fourBit?.generation).toMatchObject({ max_length: 100, max_new_tokens: null, chat_template: "off" });
  expect(plan.trials).toHaveLength(10);
});

test("falcon-tiny.yaml is a Falcon in the new decoder architecture under every quantization", async () => {
  const plan = await planExperiment("falcon-tiny.yaml");
  expect(plan.configurations.map(({ worker }) => worker.label)).toEqual(["none", "int8", "fp4", "nf4"]);
  expect(plan.configurations[0]?.worker.model).toMatchObject({
    source: "random",
    config: { model_type: "falcon", new_decoder_architecture: true },
  });
});
