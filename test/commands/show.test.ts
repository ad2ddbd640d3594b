import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import stringWidth from "string-width";
import { expect, test } from "vitest";
import { ExitCode } from "../../src/base/exit-codes.js";
import type { CommandIo } from "../../src/commands/io.js";
import { run, type ShowArgs } from "../../src/commands/show.js";
import { writeReport } from "../../src/render/write-report.js";
import { testIo } from "../fixtures/io.js";
import { type FakeRunOptions, THREE } from "../fixtures/records.js";
import { scratchFolder } from "../fixtures/run-folder.js";
import { addRun } from "../fixtures/run-on-disk.js";

const RUN = "quant/20261124T020000Z-0001";

function workplace(options: FakeRunOptions = {}) {
  const cwd = scratchFolder();
  return { cwd, paths: addRun(join(cwd, "results"), RUN, options) };
}

async function show(cwd: string, args: Partial<ShowArgs> = {}, overrides: Partial<CommandIo> = {}) {
  const { io, stdout } = testIo(cwd, overrides);
  const exitCode = await run(io, {
    run: "quant",
    results: "results",
    picture: "auto",
    answers: false,
    json: false,
    ...args,
  });
  expect(exitCode).toBe(ExitCode.ok);
  return stdout();
}

test("table, verdicts, bars and folder are shown from the records alone, and nothing is written", async () => {
  const { cwd, paths } = workplace();
  const text = await show(cwd);
  expect(text).toContain("│ bf16 *");
  expect(text).toContain("int8: 1.7× smaller, 3.8× slower (1 load each)");
  expect(text).toContain("int8: weights 1.65× smaller");
  expect(text).toMatch(
    /weights, lower is better\n {2}bf16 \* {2}█+ {2}269 MB\n {2}int8 {4}█+[▏▎▍▌▋▊▉]? {2}163 MB/,
  );
  expect(text.trimEnd().endsWith(`Results: ${paths.folder}`)).toBe(true);
  expect(readdirSync(paths.folder)).toEqual(["records.jsonl"]);
});

test("answers are shown when they are asked for", async () => {
  const { cwd } = workplace();
  expect(await show(cwd)).not.toContain("What is the capital of France");
  expect(await show(cwd, { answers: true })).toContain("1. What is the capital of France");
});

test("bars are as long as their figures", async () => {
  const { cwd } = workplace();
  const cells = (text: string, panel: string) => {
    const lines = text.slice(text.indexOf(panel)).split("\n").slice(1, 4);
    return lines.map((line) => (line.match(/█/g) ?? []).length);
  };
  const [none = 0, int8 = 0, fp4 = 0] = cells(await show(cwd), "weights, lower");
  expect(int8 / none).toBeCloseTo(163 / 269, 1);
  expect(fp4 / none).toBeCloseTo(110.4 / 269, 1);
});

const ESC = "\u001b";
/** Returns what follows each `start` up to the next `end`. */
const between = (text: string, start: string, end: string) =>
  text
    .split(start)
    .slice(1)
    .map((rest) => rest.slice(0, rest.indexOf(end)));

test("a terminal that shows pictures gets the overview, drawn anew or as it was written", async () => {
  const { cwd, paths } = workplace();
  const kitty = { stdoutIsTty: true, env: { TERM: "xterm-kitty" } };
  const drawn = await show(cwd, {}, kitty);
  const chunks = between(drawn, `${ESC}_G`, `${ESC}\\`);
  expect(chunks[0]).toMatch(/^a=T,f=100,c=80,q=2,m=1;/);
  expect(chunks.slice(1, -1).every((chunk) => chunk.startsWith("m=1;"))).toBe(true);
  expect(chunks.at(-1)).toMatch(/^m=0;/);
  const image = chunks.map((chunk) => chunk.slice(chunk.indexOf(";") + 1)).join("");
  expect(Buffer.from(image, "base64").subarray(1, 4).toString()).toBe("PNG");
  expect(drawn).not.toContain("█");
  await writeReport(paths);
  expect(existsSync(paths.chart("overview", ".png"))).toBe(true);
  expect(await show(cwd, {}, kitty)).toBe(drawn);
  const [inline = ""] = between(await show(cwd, { picture: "iterm" }), `${ESC}]1337;File=`, "\u0007");
  const size = Buffer.from(image, "base64").length;
  expect(inline).toBe(`inline=1;size=${size};width=80;preserveAspectRatio=1:${image}`);
});

test("without a picture there is the table alone; as JSON the summary alone", async () => {
  const { cwd } = workplace();
  expect(await show(cwd, { picture: "none" })).not.toContain("lower is better");
  expect(JSON.parse(await show(cwd, { json: true }))).toMatchObject({ trials_completed: 15 });
});

test("a dumb terminal, or one that is not UTF-8, gets bars of ASCII", async () => {
  const { cwd } = workplace();
  for (const env of [{ TERM: "dumb" }, { LC_ALL: "C" }, { LANG: "en_US.ISO-8859-1" }]) {
    const text = await show(cwd, {}, { env });
    const bars = text.slice(text.indexOf("weights, lower"), text.indexOf("Results:"));
    expect(bars).toContain("####");
    expect(Array.from(bars).every((character) => character < "\u0080")).toBe(true);
  }
});

test.each([24, 40, 60, 80, 200])(
  "in %i columns no line of the bars is wider, long names and failures included",
  async (columns) => {
    const { cwd } = workplace({
      configurations: THREE.map((one, i) => ({
        ...one,
        label: `quantization=${one.id}, attention=flash_attention_2, 日本語の長い名前`,
        ...(i === 1 ? { failsAtLoad: {} } : {}),
      })),
    });
    const text = await show(cwd, {}, { columns });
    const bars = text.slice(text.indexOf("weights, lower"), text.indexOf("Results:"));
    for (const line of bars.split("\n")) expect(stringWidth(line)).toBeLessThanOrEqual(columns);
  },
);

test("a run in which nothing was measured has no bars, and says why", async () => {
  const { cwd } = workplace({ configurations: THREE.map((one) => ({ ...one, failsAtLoad: {} })) });
  const text = await show(cwd);
  expect(text).not.toContain("lower is better");
  expect(text).toContain("fp4 failed: quantization-not-applied");
});

test("a killed run is shown with what it measured", async () => {
  const { cwd } = workplace({
    configurations: THREE.map((one, i) => (i === 1 ? { ...one, cutAfter: 2 } : one)),
  });
  const text = await show(cwd);
  expect(text).toContain("int8: interrupted, 2 of 5 trials completed");
  expect(text).toMatch(/fp4 +–/);
});
