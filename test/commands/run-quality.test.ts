import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { testPython } from "../fixtures/python.js";
import { scratchFolder } from "../fixtures/run-folder.js";
import { falconExp } from "./cli.js";

const tasks = fileURLToPath(new URL("../../experiments/tasks", import.meta.url));

const EXPERIMENT = `
name: scored
model:
  config:
    model_type: falcon
    vocab_size: 384
    hidden_size: 128
    num_hidden_layers: 2
    num_attention_heads: 4
    num_kv_heads: 2
    new_decoder_architecture: true
    max_position_embeddings: 256
  weights: random
  seed: 7
prompts: [Hello, Good bye]
generation: { max_new_tokens: 6, min_new_tokens: 6 }
matrix: { quantization: [fp4, none] }
rounds: { count: 2, seed: 1 }
disturbed_retries: 0
sentinel: true
profile: true
quality:
  texts: [./mine.txt]
  context: 64
  lm_eval: { tasks: [everyday], include_path: ${tasks}, trust_task_code: true, limit: 4 }
`;

interface Summary {
  readonly status: string;
  readonly drift: { readonly points: readonly unknown[] } | null;
  readonly configurations: readonly {
    readonly label: string;
    readonly trials_completed: number;
    readonly quality: readonly {
      readonly tokens_scored: number;
      readonly perplexity: { readonly value: number };
      readonly kl_divergence: { readonly mean: number } | null;
    }[];
    readonly lm_eval: readonly unknown[];
    readonly profile: { readonly outside_linear_share: number } | null;
    readonly bandwidth_utilization: { readonly mean: number } | null;
    readonly estimate: { readonly weights_ratio: number } | null;
  }[];
}

test("a real run is scored, profiled and watched for drift, in two rounds, and leaves no log-probabilities", async () => {
  const folder = scratchFolder();
  writeFileSync(join(folder, "x.yaml"), EXPERIMENT);
  writeFileSync(
    join(folder, "mine.txt"),
    "A ferry leaves the harbour every morning at ten past six. ".repeat(6),
  );
  const { stdout, exitCode, stderr } = await falconExp(["run", "x.yaml", "--json"], {
    cwd: folder,
    // Its bandwidth is that of the whole array, as in every run of a user.
    env: { FALCON_EXP_PYTHON: testPython(), FALCON_EXP_BANDWIDTH_BYTES: "" },
  });
  expect(exitCode, stderr).toBe(0);
  const summary = JSON.parse(stdout) as Summary;
  expect(summary.status).toBe("completed");
  expect(summary.drift?.points).toHaveLength(2);
  const [fp4, none] = summary.configurations;
  expect([fp4?.label, none?.label]).toEqual(["fp4", "none"]);
  for (const configuration of [fp4, none]) {
    expect(configuration?.trials_completed).toBe(4);
    expect(configuration?.lm_eval).toHaveLength(2);
    expect(configuration?.profile?.outside_linear_share).toBeGreaterThan(0);
    expect(configuration?.bandwidth_utilization?.mean).toBeGreaterThan(0);
    expect(configuration?.estimate?.weights_ratio).toBeCloseTo(1, 2);
    // 349 tokens, the last of which ends the text: 5 windows of 64, with 31 scored tokens each.
    expect(configuration?.quality[0]?.tokens_scored).toBe(155);
  }
  expect(none?.quality[0]?.kl_divergence).toBeNull();
  expect(fp4?.quality[0]?.kl_divergence?.mean).toBeGreaterThan(0);
  const run = join(folder, "results", "scored", readdirSync(join(folder, "results", "scored"))[0] ?? "");
  expect(existsSync(join(run, "logprobs"))).toBe(false);
  expect(readFileSync(join(run, "quality.csv"), "utf8").split("\n")).toHaveLength(8);
  expect(readdirSync(join(run, "charts")).filter((name) => name.endsWith(".png"))).toContain("kl-tails.png");
});
