import stringWidth from "string-width";
import { expect, test } from "vitest";
import { answersText } from "../../../src/render/terminal/answers-terminal.js";
import { resultTable } from "../../../src/render/terminal/terminal-table.js";
import { writeSummary } from "../../../src/render/words/summary.js";
import { groupRecords } from "../../../src/run/run-data.js";
import { scoredRun } from "../../fixtures/quality.js";
import { type FakeRunOptions, fakeRun, THREE, TWELVE_LONG } from "../../fixtures/records.js";

const makeData = (options: FakeRunOptions = {}) => groupRecords(fakeRun(options).records, "test");
const renderTable = (options: FakeRunOptions, columns: number) =>
  resultTable(writeSummary(makeData(options)), { columns, color: false });
const widest = (text: string) => Math.max(...text.split("\n").map((line) => stringWidth(line)));

const LONG = {
  id: "long",
  label: "dtype=bfloat16,quantization=nf4-double-quant,attention=flash_attention_2,max_new_tokens=4096",
  weightsBytes: 83e9,
  tokensPerSec: 0.4,
};

test.each([
  [80, {}],
  [40, {}],
  [80, { configurations: TWELVE_LONG }],
  [80, { configurations: TWELVE_LONG, repeats: 2 }],
  [40, { configurations: TWELVE_LONG, repeats: 2 }],
  [40, { configurations: TWELVE_LONG }],
  [40, { configurations: [...THREE, LONG], modelName: `organisation/${"model-".repeat(30)}` }],
  [80, { configurations: [...THREE, { ...LONG, label: "設定".repeat(40) }] }],
  [40, { configurations: [...THREE, { ...LONG, cutAfter: 1 }, { ...LONG, id: "never" }] }],
  [60, { configurations: THREE.map((one) => ({ ...one, failsAtLoad: {} })) }],
] as const)("no line of the table or of the answers is wider than %i columns", (columns, options) => {
  expect(widest(renderTable(options, columns))).toBeLessThanOrEqual(columns);
  expect(widest(answersText(makeData(options), { columns, color: false }))).toBeLessThanOrEqual(columns);
});

test("the table has a row a configuration, marks the reference, and says what memory means", () => {
  const table = renderTable({}, 100);
  expect(table).toMatch(/│ bf16 \*\s+│\s+269 MB │/);
  expect(table).toMatch(/│ fp4 /);
  expect(table.replaceAll("\n", " ")).toContain("Peak RSS is the whole process");
  expect(table).toContain("int8: weights 1.65× smaller (−106 MB)");
  expect(renderTable({ device: "cuda" }, 100)).toContain("Peak GPU");
});

test("each configuration's verdict is one line above the table, called by what it is", () => {
  const lines = renderTable({}, 120).split("\n");
  expect(lines.slice(1, 4)).toEqual([
    "Against bf16 (unquantized):",
    "int8: 1.7× smaller, 3.8× slower (1 load each), 1.2× less peak RSS, 4 of 5 answers the same (quality not measured)",
    "fp4: 2.4× smaller, 3.4× slower (1 load each), 1.3× less peak RSS, 1 of 5 answers the same (quality not measured)",
  ]);
  expect(lines[4]).toMatch(/^┌/);
});

test("many configurations are one row each, without prose, and a remark that they share is said once", () => {
  const configurations = TWELVE_LONG.map((one) => ({ ...one, failsAtLoad: undefined, disturbedTrials: [0] }));
  const table = renderTable({ configurations }, 100);
  expect(table).toMatch(/│ verdict +│ weights +│ speed +│/);
  expect(table).not.toContain("weights 1.65× smaller (");
  expect(table.match(/disturbed and left out of times/g)).toHaveLength(1);
  expect(table).toContain("12 configurations: 1 of 5 trials was disturbed");
  expect(table.split("\n").length).toBeLessThan(90);
});

test("columns that a narrow terminal has no room for are named", () => {
  expect(renderTable({}, 60)).toMatch(/Not shown for lack of space: .*TTFT/);
  expect(renderTable({}, 120)).not.toContain("lack of space");
  const scored = writeSummary(groupRecords(scoredRun(), "test"));
  const narrow = resultTable(scored, { columns: 60, color: false });
  expect(narrow).toMatch(/Not shown for lack of space: perplexity/);
});

test("what was not run and what was interrupted is told from what failed", () => {
  const configurations = THREE.map((one, i) => (i === 1 ? { ...one, cutAfter: 1 } : one));
  const table = renderTable({ configurations }, 100);
  expect(table).toMatch(/│ int8 \(interrupted\) +│/);
  expect(table).toMatch(/│ fp4 \(not run\) +│/);
});

test("figures that other work on the machine decided are marked, and the mark is explained; others stand as they are", () => {
  const summary = writeSummary(makeData());
  const disturbed = (count: number) => {
    const configurations = summary.configurations.map((one, i) =>
      i === 1 ? { ...one, trials_disturbed: count } : one,
    );
    return resultTable({ ...summary, configurations }, { columns: 120, color: false });
  };
  const rowOf = (table: string) => table.split("\n").find((line) => line.startsWith("│ int8")) ?? "";
  expect(rowOf(disturbed(5))).toMatch(/│ +163 MB │.*│ +~ /);
  expect(disturbed(5).replaceAll("\n", " ")).toContain("~: other work disturbed every trial");
  // One undisturbed trial is left, and the medians are taken from it.
  expect(rowOf(disturbed(4))).not.toContain("~");
  expect(disturbed(0)).not.toContain("~:");
});

test("where names leave no room beside them, the figures stand under them and none is left out", () => {
  const table = renderTable({ configurations: [...THREE, LONG] }, 40);
  expect(table).not.toContain("│");
  for (const figure of ["weights 83.00 GB", "time 1 min 23 s", "tokens/s 0.4", "TTFT 5.1 s", "trials 5/5"]) {
    expect(table).toContain(figure);
  }
});

test("long names are broken between their parts before a figure is left out", () => {
  const table = renderTable({ configurations: TWELVE_LONG }, 80);
  expect(table).toMatch(/│ attention=sdpa, +│/);
  expect(table).toContain("tokens/s");
});

test("what memory means is said for the memory that was measured", () => {
  const said = (device: "cpu" | "cuda") => renderTable({ device }, 80).replaceAll("\n", " ");
  expect(said("cpu")).not.toContain("GPU");
  expect(said("cuda")).toContain("PyTorch had allocated");
  expect(said("cuda")).not.toContain("RSS");
});

test("what a reader must know of the model is said under the table", () => {
  expect(renderTable({ modelNote: "The weights went through Q4_1 once." }, 80)).toContain("Q4_1 once");
});

test("offloaded layers are a warning in red", () => {
  const summary = writeSummary(makeData());
  const offloaded = summary.configurations.map((one, i) => (i === 1 ? { ...one, offloaded: true } : one));
  const table = resultTable({ ...summary, configurations: offloaded }, { columns: 80, color: true });
  expect(table).toContain("\u001b[31mint8: layers were offloaded");
});

test("no name or failure can send a command to the terminal", () => {
  const nasty = "\u001b[2J\u202Ex\u0007";
  const table = renderTable(
    {
      configurations: [
        { ...LONG, label: nasty },
        { id: "b", failsAtLoad: { code: nasty, message: nasty, next: nasty } },
      ],
      modelName: nasty,
      modelNote: nasty,
    },
    80,
  );
  for (const character of ["\u001b", "\u202e", "\u0007"]) expect(table).not.toContain(character);
});

test("a failure is named with its cause and its next step", () => {
  const table = renderTable(
    { configurations: THREE.map((one, i) => (i === 2 ? { ...one, failsAtLoad: {} } : one)) },
    80,
  );
  expect(table).toContain("fp4 ✗");
  expect(table).toContain("fp4 failed: quantization-not-applied (0 of 5 trials completed)");
  expect(table).toContain("next: ");
});

test("without colour there is no escape sequence, whatever a model said", () => {
  const data = makeData({ answer: () => "\u001b[2J\u001b]0;title\u0007 hello" });
  const text = answersText(data, { columns: 80, color: false });
  expect(text).not.toContain("\u001b");
  expect(text).toContain("[U+001B]");
});

test("an answer that equals the reference's is said to", () => {
  const text = answersText(makeData({ answer: () => "same" }), { columns: 80, color: false });
  expect(text).toContain("int8 (identical to the reference)");
});

test("percentiles of latencies have a table of their own where there are trials enough, with what is missing said", () => {
  const table = renderTable({ repeats: 2 }, 120);
  expect(table).toMatch(/│ latency +│ +TTFT p50 │ +TTFT p90 │ +TTFT p99 │ +ITL p50 │ +ITL p90 │ +ITL p99 │/);
  expect(table).toMatch(/ \* +│ +\d+ ms │ +\d+ ms │ +– │ +\d+\.?\d* ms │/);
  expect(table.replaceAll("\n", " ")).toContain("p90 needs 10 samples, p99 100.");
  expect(renderTable({}, 120)).not.toContain("latency");
});

test("with batches a rate says whether it is of a row or of all, and times of other batches are not compared", () => {
  const batches = [1, 4].map((batchSize) => ({
    id: `batch-${batchSize}`,
    reference: batchSize === 1,
    tokensPerSec: 10,
    batchSize,
  }));
  const table = renderTable({ configurations: batches }, 140);
  expect(table).toMatch(/│ tokens\/s per row │ tokens\/s, all rows │/);
  expect(table).toMatch(/│ batch-4 .*│ +39\.\d │|│ batch-4 .*│ +40\.\d │/);
  expect(table).not.toMatch(/│ batch-4 .*\d×/);
  expect(renderTable({}, 140)).not.toMatch(/per row|all rows/);
});

test("what a million tokens cost stands in the table with its interval, where the experiment has a price", () => {
  const { records } = fakeRun();
  const priced = records.map((one) =>
    one.kind === "run" ? { ...one, plan: { ...one.plan, price_per_hour: 2.49 } } : one,
  );
  const table = resultTable(writeSummary(groupRecords(priced, "test")), { columns: 160, color: false });
  expect(table).toMatch(/│ +cost\/M tokens │/);
  expect(table).toMatch(/ \* .*│ +3\d\.\d \[3\d\.\d, 3\d\.\d\] │/);
  expect(renderTable({}, 160)).not.toContain("cost");
});
