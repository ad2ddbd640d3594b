import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { scratchFolder } from "../fixtures/run-folder.js";
import { falconExp } from "./cli.js";

test("init writes the examples and their schema, and names the next command", async () => {
  const cwd = scratchFolder();
  const { exitCode, stdout } = await falconExp(["init"], { cwd });
  expect(exitCode).toBe(0);
  expect(stdout).toContain("wrote      experiments/quant.yaml");
  expect(stdout).toContain("Next: falcon-exp run experiments/quant.yaml");
  expect((await falconExp(["validate", "experiments/quant.yaml"], { cwd })).exitCode).toBe(0);
  expect(readFileSync(join(cwd, "experiments/experiment.schema.json"), "utf8")).toContain("draft-07");
});

test("init keeps an example that was changed, unless forced", async () => {
  const cwd = scratchFolder();
  await falconExp(["init"], { cwd });
  const mine = join(cwd, "experiments/quant.yaml");
  writeFileSync(mine, "mine");
  const kept = JSON.parse((await falconExp(["init", "--json"], { cwd })).stdout);
  expect(kept).toMatchObject({ written: [], kept: ["experiments/quant.yaml"] });
  expect(readFileSync(mine, "utf8")).toBe("mine");
  await falconExp(["init", "--force"], { cwd });
  expect(readFileSync(mine, "utf8")).toContain("name: quant");
});
