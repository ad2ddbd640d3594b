import fc from "fast-check";
import { expect, test } from "vitest";
import { splitArgument } from "../../../src/analysis/compare/sides.js";
import type { Machine } from "../../../src/protocol/machine.js";
import { compareChart } from "../../../src/render/charts/compare.js";
import { createSvgRenderer } from "../../../src/render/charts/render.js";
import { compareMarkdown } from "../../../src/render/markdown/compare.js";
import { compareText } from "../../../src/render/terminal/compare.js";
import { type CompareReport, writeComparison } from "../../../src/render/words/compare-report.js";
import type { RunFileRecord } from "../../../src/run/record-types.js";
import { groupRecords, type RunData } from "../../../src/run/run-data.js";
import { scoredRun } from "../../fixtures/quality.js";
import {
  type FakeRunOptions,
  fakeRun,
  MACHINE,
  MACHINE_WITHOUT_BF16,
  THREE,
  withCache,
} from "../../fixtures/records.js";

const makeData = (records: readonly RunFileRecord[]) => groupRecords(records, "test");
const input = (argument: string, options: FakeRunOptions = {}, configuration: string | null = null) => ({
  argument,
  data: makeData(fakeRun(options).records),
  configuration,
});
const faster = {
  configurations: THREE.map((one) => ({ ...one, tokensPerSec: (one.tokensPerSec ?? 1) * 2 })),
};
const metric = (report: CompareReport, key: string, group = 0) =>
  report.groups[group]?.metrics.find((one) => one.key === key);

/** Returns the records with every trial taking `factor` times as long. */
function slowed(records: readonly RunFileRecord[], factor: number): RunFileRecord[] {
  return records.map((record) =>
    record.kind === "trial" && record.status === "completed"
      ? {
          ...record,
          measurement: { ...record.measurement, elapsed_sec: record.measurement.elapsed_sec * factor },
        }
      : record,
  );
}

/** A run on this machine; null for a run from before machines were recorded. */
function on(argument: string, machine: Machine | null) {
  const records = fakeRun().records.map((record) =>
    record.kind === "environment" ? { ...record, environment: { ...record.environment, machine } } : record,
  );
  return { argument, data: makeData(records), configuration: null };
}

test("whole runs are lined up by label; what only one of them has is named", () => {
  const report = writeComparison([input("a"), input("b", { configurations: THREE.slice(0, 2) })], {
    force: false,
  });
  expect(report.groups.map(({ label }) => label)).toEqual(["none", "int8"]);
  expect(report.unpaired).toEqual(["fp4"]);
});

test("a ratio is the geometric mean over pairs of the same prompt and repeat", () => {
  const { records } = fakeRun();
  const sides = [
    { argument: "a", data: makeData(records), configuration: null },
    { argument: "b", data: makeData(slowed(records, 1.5)), configuration: null },
  ];
  const time = metric(writeComparison(sides, { force: false }), "elapsed_sec");
  expect(time?.against[1]?.ratio).toBeCloseTo(1.5, 12);
  expect(time?.against[1]?.pairs).toBe(5);
  expect(time?.against[1]?.verdict).toBe("more");
  expect(time?.against[0]).toBeNull();
});

test("two runs tell no difference of times that a machine may make between them; two configurations of one run do", () => {
  const { records } = fakeRun();
  const before = makeData(records);
  const now = makeData(slowed(records, 1.25));
  const timeAgainst = (other: RunData) => {
    const sides = [before, other].map((data) => ({ argument: "x", data, configuration: null }));
    return metric(writeComparison(sides, { force: false }), "elapsed_sec")?.against[1];
  };
  expect(timeAgainst(now)).toMatchObject({ verdict: "more", is_of_one_load: true });
  const ofAnotherRun = { ...now, run: { ...now.run, run_id: "another" } };
  expect(timeAgainst(ofAnotherRun)?.verdict).toBe("within-noise");
});

/** Records in which loads have a fingerprint of these weights, and trials have these settings and this hash of inputs. */
function made(weights: string, settings: Record<string, number>, inputs = "i") {
  return fakeRun().records.map((record): RunFileRecord => {
    if (record.kind === "load") {
      const fingerprints = { weights, tokenizer: "t", chat_template: null, generation_settings: null };
      return { ...record, load: { ...record.load, fingerprints } };
    }
    if (record.kind !== "trial" || record.status !== "completed") return record;
    const told = { generation_settings: settings, input_ids_sha256: inputs };
    return { ...record, measurement: { ...record.measurement, ...told } };
  });
}

test("other weights of the same name, and settings of the model's own files, are differences that are named", () => {
  const sides = [made("a".repeat(64), { max_new_tokens: 8 }), made("b".repeat(64), { top_k: 5 })].map(
    (records, index) => ({ argument: `run${index}`, data: makeData(records), configuration: "int8" }),
  );
  expect(writeComparison(sides, { force: false }).groups[0]?.differences).toEqual([
    { what: "weights' fingerprint", values: ["aaaaaaaaaaaa", "bbbbbbbbbbbb"] },
    {
      what: "generation settings",
      values: ["max_new_tokens 8, top_k at its default", "max_new_tokens at its default, top_k 5"],
    },
  ]);
});

test("the same prompts in other tokens are not the same work", () => {
  const sides = ["i", "j"].map((inputs, index) => ({
    argument: `run${index}`,
    data: makeData(made("a", {}, inputs)),
    configuration: "int8",
  }));
  expect(() => writeComparison(sides, { force: false })).toThrow("other tokens for the same prompts");
});

test("another cache or a compiled forward pass is a difference that is named", () => {
  const sides = [
    { cache_implementation: "DynamicCache", compiled: false },
    { cache_implementation: "StaticCache", compiled: true },
  ].map((seen, index) => ({
    argument: `run${index}`,
    data: makeData(withCache(fakeRun().records, seen)),
    configuration: "int8",
  }));
  expect(writeComparison(sides, { force: false }).groups[0]?.differences).toEqual([
    { what: "cache", values: ["DynamicCache", "StaticCache"] },
    { what: "compiled", values: ["false", "true"] },
  ]);
});

test("a run compared with itself is the same in everything", () => {
  const report = writeComparison([input("a"), input("a")], { force: false });
  expect(report.environment).toEqual([]);
  for (const { metrics, sides } of report.groups) {
    expect(sides.map(({ name }) => name)).toEqual(["a", "a (2)"]);
    for (const { against } of metrics) {
      expect(against[1]?.ratio ?? 1).toBeCloseTo(1, 12);
      expect(["same", "within-noise", "counted", undefined]).toContain(against[1]?.verdict);
    }
  }
});

test("turned around, every ratio is its inverse", () => {
  fc.assert(
    fc.property(fc.double({ min: 0.2, max: 5, noNaN: true }), (factor) => {
      const { records } = fakeRun();
      const [a, b] = [makeData(records), makeData(slowed(records, factor))];
      const of = (first: typeof a, second: typeof a) =>
        metric(
          writeComparison(
            [
              { argument: "a", data: first, configuration: "int8" },
              { argument: "b", data: second, configuration: "int8" },
            ],
            { force: false },
          ),
          "elapsed_sec",
        )?.against[1]?.ratio ?? 0;
      expect(of(a, b) * of(b, a)).toBeCloseTo(1, 9);
    }),
    { numRuns: 20 },
  );
});

test("configurations of one run are compared by name, and an unknown one is refused with what was meant", () => {
  const report = writeComparison([input("a#none", {}, "none"), input("a#fp4", {}, "fp4")], { force: false });
  expect(report.groups[0]?.differences.map(({ what }) => what)).toContain("quantization");
  expect(metric(report, "weights_bytes")?.against[1]?.ratio).toBeCloseTo(110_400_000 / 269_060_552, 12);
  expect(() => writeComparison([input("a", {}, "none"), input("a", {}, "fp44")], { force: false })).toThrow(
    expect.objectContaining({ code: "compare-configuration-unknown", next: "Did you mean fp4?" }),
  );
  expect(() => writeComparison([input("a", {}, "none"), input("b")], { force: false })).toThrow(
    expect.objectContaining({ code: "compare-mixed" }),
  );
});

test("other prompts are refused with the reason, and forced they are compared over what both have", () => {
  const sides = [
    input("a"),
    input("b", { prompts: ["One.", "Explain in one sentence why the sky is blue."] }),
  ];
  expect(() => writeComparison(sides, { force: false })).toThrow(
    expect.objectContaining({
      code: "compare-incomparable",
      message: expect.stringContaining("other prompts"),
    }),
  );
  const report = writeComparison(sides, { force: true });
  expect(report.forced).toEqual(["b: other prompts than a"]);
  expect(metric(report, "elapsed_sec")?.against[1]?.pairs).toBe(1);
  expect(compareText(report, { columns: 80, color: false })).toMatch(/^forced: b: other prompts than a/);
});

test("another text under the same name is refused", () => {
  const records = scoredRun();
  const other = records.map((record) =>
    record.kind === "quality" && record.status === "completed"
      ? { ...record, measurement: { ...record.measurement, token_ids_sha256: "ff".repeat(32) } }
      : record,
  );
  const sides = [records, other].map((one, index) => ({
    argument: index === 0 ? "a" : "b",
    data: makeData(one),
    configuration: null,
  }));
  expect(() => writeComparison(sides, { force: false })).toThrow("another text under the name english");
});

test("perplexities pair token by token", () => {
  const data = makeData(scoredRun());
  const sides = ["none", "int8"].map((configuration) => ({ argument: configuration, data, configuration }));
  const perplexity = metric(writeComparison(sides, { force: false }), "perplexity_english");
  expect(perplexity?.against[1]?.ratio).toBeCloseTo(Math.exp(0.1), 12);
  expect(perplexity?.against[1]?.pairs).toBe(6);
});

test("what differs of the environment comes first", () => {
  const other = fakeRun({ device: "cuda" }).records;
  const report = writeComparison(
    [input("a"), { argument: "b", data: makeData(other), configuration: null }],
    {
      force: false,
    },
  );
  expect(report.environment.map(({ what }) => what)).toEqual(["GPUs", "GPU driver", "CUDA"]);
  const text = compareText(report, { columns: 80, color: false });
  expect(text.startsWith("Environment (not the same machine):\n  GPUs: none → NVIDIA H100")).toBe(true);
  // One run has peak RSS, the other allocated memory. These are different figures, so they are not compared.
  expect(metric(report, "peak_memory_bytes")).toBeUndefined();
});

test("a CPU of the same name with an instruction set less is not the same machine, and what is missing is named", () => {
  const [a, b, old] = [on("a", MACHINE), on("b", MACHINE_WITHOUT_BF16), on("old", null)];
  const two = writeComparison([a, b], { force: false });
  expect(two.is_same_machine).toBe(false);
  const text = compareText(two, { columns: 100, color: false });
  expect(text).toContain(
    "Environment (not the same machine):\n  CPU instruction sets: avx512_bf16 missing\n",
  );
  expect(compareMarkdown(two)).toContain("avx512\\_bf16 missing |");
  // The same CPU with lesser kernels, which no change of a library explains, so it counts as another machine.
  const held = on("held", { ...MACHINE, torch_cpu_capability: "AVX2" });
  expect(writeComparison([a, held], { force: false }).is_same_machine).toBe(false);
  const three = compareText(writeComparison([a, b, a], { force: false }), { columns: 200, color: false });
  expect(three).toMatch(/CPU instruction sets: avx2, .* → avx512_bf16 missing → the same\n/);
  const older = writeComparison([old, a], { force: false });
  expect(older.is_same_machine).toBeNull();
  expect(older.unrecorded).toContain("CPU instruction sets");
  expect(compareText(older, { columns: 300, color: false })).toMatch(
    /^Environment \(not known to be the same machine\):\n {2}Not recorded by all: CPU instruction sets, /,
  );
  expect(writeComparison([a, a], { force: false })).toMatchObject({ is_same_machine: true, environment: [] });
});

test("names do no harm in Markdown and at the terminal", () => {
  const evil = "<script>alert(1)</script>|`x`\u001b[31m";
  const configurations = [{ id: "none", label: evil, reference: true }];
  const report = writeComparison([input(evil, { configurations }), input("b", { configurations })], {
    force: false,
  });
  const markdown = compareMarkdown(report);
  expect(markdown).not.toContain("<script>");
  expect(markdown).not.toContain("\u001b");
  const cells = markdown.split("\n").filter((line) => line.startsWith("|"));
  // Four cells (the name, two values and one ratio) and a bar at each end.
  for (const line of cells.slice(-3)) expect(line.replaceAll("\\|", "").split("|")).toHaveLength(6);
  expect(compareText(report, { columns: 80, color: false })).not.toContain("\u001b");
});

test("the chart draws one and several sides, and one that failed", async () => {
  const draw = await createSvgRenderer();
  const failed = { configurations: THREE.map((one) => ({ ...one, failsAtLoad: {} })) };
  for (const sides of [
    [input("a"), input("b", faster)],
    [input("a"), input("b", faster), input("x".repeat(200))],
    [input("a"), input("b", failed)],
  ]) {
    const svg = await draw(compareChart(writeComparison(sides, { force: false })));
    expect(svg).toContain("Compared with a");
    expect(svg).not.toMatch(/NaN|undefined|>null</);
  }
});

test("RUN#LABEL is a run and a configuration; a run alone is one", () => {
  expect(splitArgument("results/quant#fp4 eager")).toEqual({
    run: "results/quant",
    configuration: "fp4 eager",
  });
  expect(splitArgument("results/quant")).toEqual({ run: "results/quant", configuration: null });
  expect(splitArgument("#x")).toEqual({ run: "#x", configuration: null });
});
