import { expect, test } from "vitest";
import { writeSummary } from "../../src/render/words/summary.js";
import type { RunFileRecord } from "../../src/run/record-types.js";
import { groupRecords } from "../../src/run/run-data.js";
import { planExperiment } from "../fixtures/experiments.js";
import { runPlan } from "../fixtures/run-plan.js";

interface Asked {
  readonly quantization?: string;
  readonly prompts?: string;
  readonly model?: string;
  readonly more?: readonly string[];
}
const plan = ({
  quantization = "[none, fp4]",
  prompts = "[a, b]",
  model = "smollm2-135m-instruct",
  more = [],
}: Asked = {}) =>
  planExperiment(
    [
      "name: x",
      `model: ${model}`,
      `prompts: ${prompts}`,
      `matrix: { quantization: ${quantization} }`,
      ...more,
      "",
    ].join("\n"),
  );
const SCORED = ["quality: { texts: [code], context: 8 }"];

const loads = (records: readonly RunFileRecord[]) =>
  records.flatMap((record) =>
    record.kind === "load" && record.reused_from === null ? [record.configuration] : [],
  );
const reasons = (events: Awaited<ReturnType<typeof runPlan>>["events"]) =>
  events.flatMap((event) =>
    event.type === "not-reused" ? [`${event.configuration.worker.label}: ${event.reason}`] : [],
  );

test("what an earlier run finished is taken over as reused, and nothing of it is loaded or called fresh", async () => {
  const planned = await plan({ more: [...SCORED, "profile: true"] });
  const first = await runPlan(planned, "good");
  const { status, records, events } = await runPlan(planned, "good", undefined, { reuse: [first.records] });
  expect(status).toBe("completed");
  expect(loads(records)).toEqual([]);
  expect(reasons(events)).toEqual([]);
  const trials = records.filter(({ kind }) => kind === "trial");
  expect(trials).toHaveLength(4);
  const measuredAt = first.records.find(({ kind }) => kind === "trial")?.at;
  expect(trials[0]).toMatchObject({ reused_from: { experiment: "x", at: measuredAt } });
  const summary = writeSummary(groupRecords(records, "x"));
  const before = writeSummary(groupRecords(first.records, "x"));
  for (const [index, configuration] of summary.configurations.entries()) {
    expect(configuration.status).toBe("completed");
    expect(configuration.reused_from).not.toBeNull();
    expect(configuration.remarks[0]).toContain("reused, not measured now");
    expect(configuration.elapsed_sec).toEqual(before.configurations[index]?.elapsed_sec);
    expect(configuration.quality).toEqual(before.configurations[index]?.quality);
  }
  const again = await runPlan(planned, "good", undefined, { reuse: [records, first.records] });
  expect(again.records.find(({ kind }) => kind === "trial")).toMatchObject({
    reused_from: { at: measuredAt },
  });
});

test("only what is new is measured", async () => {
  const first = await runPlan(await plan(), "good");
  const wider = await plan({ quantization: "[none, int8, fp4]" });
  const { status, records, events } = await runPlan(wider, "good", undefined, { reuse: [first.records] });
  expect(status).toBe("completed");
  expect(loads(records)).toEqual(["int8"]);
  expect(reasons(events)).toEqual(["int8: no earlier run has it"]);
});

test("a new configuration is compared with a reused reference by loading that once more to score its texts", async () => {
  const first = await runPlan(await plan({ more: SCORED }), "good");
  const wider = await plan({ quantization: "[none, int8, fp4]", more: SCORED });
  const { records, events } = await runPlan(wider, "good", undefined, { reuse: [first.records] });
  expect(loads(records)).toEqual(["none", "int8"]);
  expect(events.find(({ type }) => type === "rescoring")).toMatchObject({ textIds: ["code"] });
  const [none, int8] = groupRecords(records, "x").configurations;
  expect(none?.trials.every(({ reused_from }) => reused_from !== null)).toBe(true);
  expect(int8?.quality[0]).toMatchObject({ status: "completed", reused_from: null });
});

test.each<[string, () => Promise<Awaited<ReturnType<typeof plan>>>, string, string]>([
  ["another library", () => plan(), "other-torch", "torch 0 → 1"],
  [
    "a CPU of the same name without AVX512-BF16",
    () => plan(),
    "without-bf16",
    "CPU instruction sets: avx512_bf16 missing; 4-bit on the CPU fused AVX512-BF16 kernel → unpacked for each product",
  ],
  ["other prompts", () => plan({ prompts: "[a, c]" }), "good", "the list of prompts differs"],
  ["more repeats", () => plan({ more: ["repeats: 2"] }), "good", "repeats or rounds differ"],
  [
    "another length",
    () => plan({ more: ["generation: { max_new_tokens: 5 }"] }),
    "good",
    "generation differs",
  ],
])("with %s nothing is reused, and the reason is said", async (_, planOfToday, behaviour, reason) => {
  const first = await runPlan(await plan(), "good");
  const { status, records, events } = await runPlan(await planOfToday(), behaviour, undefined, {
    reuse: [first.records],
  });
  expect(status).toBe("completed");
  expect(loads(records)).toEqual(["none", "fp4"]);
  expect(reasons(events)).toEqual([`none: ${reason}`, `fp4: ${reason}`]);
});

test("what was not finished, or failed, is measured", async () => {
  const planned = await plan();
  const { records: whole } = await runPlan(planned, "good");
  const cut = whole.slice(
    0,
    whole.findLastIndex(({ kind }) => kind === "trial"),
  );
  const { records, events } = await runPlan(planned, "good", undefined, { reuse: [cut] });
  expect(loads(records)).toEqual(["fp4"]);
  expect(reasons(events)).toEqual(["fp4: it was not finished in that run"]);
});

test("a model whose files may change under the same name is measured", async () => {
  const planned = await plan({ model: "tiiuae/falcon-7b" });
  const first = await runPlan(planned, "good");
  const { events } = await runPlan(planned, "good", undefined, { reuse: [first.records] });
  expect(reasons(events)[0]).toContain("the branch main may have moved");
});
