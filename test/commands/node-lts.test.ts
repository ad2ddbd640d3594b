import { cpSync, mkdirSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { execa } from "execa";
import { beforeAll, describe, expect, test } from "vitest";
import { prepareNodeLts } from "../../scripts/node-lts.js";
import { testPython } from "../fixtures/python.js";
import { scratchFolder } from "../fixtures/run-folder.js";
import { falconExp } from "./cli.js";

const root = fileURLToPath(new URL("../../", import.meta.url));
const node = await prepareNodeLts(root);

describe.skipIf(node === null)("with the newest long-term Node", () => {
  const withIt = (args: readonly string[], cwd?: string) =>
    falconExp(args, { node: node ?? "", ...(cwd === undefined ? {} : { cwd }) });

  beforeAll(async () => {
    const { stdout } = await execa(node ?? "", ["-p", "process.release.lts"]);
    expect(stdout, "no release with long-term support").not.toBe("undefined");
  });

  test("the program starts", async () => {
    const { exitCode, stdout, stderr } = await withIt(["--version"]);
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
    expect(stdout).toMatch(/^\d+\.\d+\.\d+/);
  });

  test("the kept run is drawn as by any other Node, charts included", async () => {
    const [run = ""] = readdirSync(join(root, "results/example/quant"));
    const kept = join(root, "results/example/quant", run);
    const copy = join(scratchFolder(), run);
    mkdirSync(copy);
    cpSync(join(kept, "records.jsonl"), join(copy, "records.jsonl"));
    const { exitCode, stderr } = await withIt(["report", copy]);
    expect(exitCode, stderr).toBe(0);
    for (const name of ["summary.json", "records.parquet", "charts/overview.svg", "charts/overview.png"]) {
      expect(readFileSync(join(copy, name)).equals(readFileSync(join(kept, name))), name).toBe(true);
    }
  });

  test("a model is measured: the native sockets load, the worker answers", async () => {
    const tiny = join(root, "experiments/falcon-tiny.yaml");
    const sets = ["matrix.quantization=[fp4]", "repeats=1", "warmup=0", "disturbed_retries=0"];
    const small = sets.flatMap((one) => ["--set", one]);
    const args = ["run", tiny, "--python", testPython(), ...small];
    const { exitCode, stdout, stderr } = await withIt(args, scratchFolder());
    expect(exitCode, stderr).toBe(0);
    expect(stdout).toContain("fp4");
  });
});
