import { join } from "node:path";
import stringWidth from "string-width";
import { expect, test } from "vitest";
import { ExitCode } from "../../src/base/exit-codes.js";
import { type ListArgs, run } from "../../src/commands/list.js";
import { testIo } from "../fixtures/io.js";
import { THREE } from "../fixtures/records.js";
import { scratchFolder } from "../fixtures/run-folder.js";
import { addRun } from "../fixtures/run-on-disk.js";
import { falconExp } from "./cli.js";

async function list(cwd: string, args: Partial<ListArgs> = {}, columns = 80) {
  const { io, stdout } = testIo(cwd, { columns });
  const exitCode = await run(io, { results: "results", json: false, ...args });
  expect(exitCode).toBe(ExitCode.ok);
  return stdout();
}

/** Makes a working folder whose results hold `count` runs, numbered from the oldest to the newest. */
function workplace(count: number): string {
  const cwd = scratchFolder();
  for (let index = 1; index <= count; index++) {
    addRun(join(cwd, "results"), `quant/20261124T0200${String(index).padStart(2, "0")}Z-0000`);
  }
  return cwd;
}

test("runs stand newest first, with how each ended", async () => {
  const cwd = workplace(2);
  addRun(join(cwd, "results"), "fast/20261125T020000Z-0000", {
    configurations: THREE.map((one, i) => (i === 2 ? { ...one, failsAtLoad: {} } : one)),
  });
  const lines = (await list(cwd, {}, 120)).split("\n");
  const rows = lines.filter((line) => line.includes("Z-0000 "));
  expect(
    rows.map((row) =>
      row
        .split("│")
        .slice(1, 5)
        .map((cell) => cell.trim()),
    ),
  ).toEqual([
    ["fast/20261125T020000Z-0000", "partly failed", "10/15", "1 min 30 s"],
    ["quant/20261124T020002Z-0000", "completed", "15/15", "1 min 30 s"],
    ["quant/20261124T020001Z-0000", "completed", "15/15", "1 min 30 s"],
  ]);
});

test("a long list is a screenful, and says how to see the rest", async () => {
  const cwd = workplace(23);
  const text = await list(cwd);
  expect(text.match(/Z-0000 /g)).toHaveLength(20);
  expect(text).toContain("… and 3 older (--limit 23).");
  expect((await list(cwd, { limit: 23 })).match(/Z-0000 /g)).toHaveLength(23);
  expect((await list(cwd, { limit: 1 })).match(/Z-0000 /g)).toHaveLength(1);
});

test("as JSON all runs are told, with the medians of each configuration", async () => {
  const cwd = workplace(23);
  const document = JSON.parse(await list(cwd, { json: true }));
  expect(document).toMatchObject({ schema_version: 1, results: join(cwd, "results"), runs_found: 23 });
  expect(document.runs).toHaveLength(23);
  expect(document.runs[0]).toMatchObject({
    path: "quant/20261124T020023Z-0000",
    configurations: [
      { id: "none", trials_completed: 5, median_decode_tokens_per_sec: expect.any(Number) },
      { id: "int8" },
      { id: "fp4" },
    ],
  });
});

test("without runs the next step is said, and for an unknown experiment those that there are", async () => {
  expect((await list(scratchFolder())).replaceAll("\n", " ")).toContain(
    "falcon-exp run experiments/quant.yaml",
  );
  expect((await list(workplace(1), { experiment: "quart" })).replaceAll("\n", " ")).toContain(
    "There are runs of: quant.",
  );
});

test("a run that cannot be read is a row with its reason beneath, and its names are harmless", async () => {
  const cwd = workplace(1);
  addRun(join(cwd, "results"), "\u001b]0;owned\u0007/20261126T020000Z-0000", "");
  const text = await list(cwd);
  expect(text).toContain("damaged");
  expect(text).toContain("no record says what was to be");
  expect(text).not.toContain("\u001b");
  expect(text).toContain("[U+001B]]0;owned[U+0007]");
});

test.each([20, 40, 60, 80, 200])(
  "in %i columns no line is wider, and every name is whole",
  async (columns) => {
    const cwd = workplace(2);
    addRun(join(cwd, "results"), `${"a-long-folder/".repeat(3)}quant/20261126T020000Z-0000`, "");
    const text = await list(cwd, {}, columns);
    for (const line of text.split("\n")) expect(stringWidth(line)).toBeLessThanOrEqual(columns);
    expect(text.replaceAll(/\s/g, "")).toContain(
      "a-long-folder/a-long-folder/a-long-folder/quant/20261126T020000Z-0000",
    );
  },
);

test("the command line: --limit must be a number, --help has examples", async () => {
  expect((await falconExp(["list", "--limit", "none"])).exitCode).toBe(ExitCode.usage);
  const { stdout } = await falconExp(["list", "--help"]);
  expect(stdout).toContain("$ falcon-exp list --experiment quant --limit 5");
});
