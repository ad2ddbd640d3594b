import { expect, test } from "vitest";
import { missedRuns } from "../../../src/analysis/history/events.js";
import { parseFailCondition } from "../../../src/analysis/history/fail-on.js";
import { buildHistory } from "../../../src/analysis/history/history.js";
import type { HistoryReport } from "../../../src/analysis/history/history-types.js";
import { differencesText } from "../../../src/render/words/history.js";
import { describeReason } from "../../../src/render/words/reasons.js";
import { MACHINE, MACHINE_WITHOUT_BF16, QUANTIZATIONS, THREE } from "../../fixtures/records.js";
import { makeHistoryRuns } from "../../fixtures/sweep.js";

const DAY = 86_400_000;
const FIRST = Date.parse("2026-10-01T02:00:00.000Z");

const runs = makeHistoryRuns;

function report(all: ReturnType<typeof makeHistoryRuns>, failOn: readonly string[] = []): HistoryReport {
  return buildHistory(all, {
    experiment: "quant",
    conditions: failOn.map(parseFailCondition),
    everySec: null,
    now: new Date(FIRST + 100 * DAY),
  });
}

const findSpeed = (of: HistoryReport, configuration = "fp4") =>
  of.series.find((one) => one.configuration === configuration && one.metric === "decode_tokens_per_sec");

/** The breaks of the speed's series, with their reasons in words. */
const listBreaks = (of: HistoryReport) =>
  findSpeed(of)?.breaks.map((one) => ({ ...one, reasons: one.reasons.map(describeReason) })) ?? [];

test("a step names its date and ratio with their intervals, and the library that changed with it", () => {
  const found = report(
    runs(30, (i) => ({ speed: i >= 18 ? 0.9 : 1, bitsandbytes: i >= 18 ? "0.50.2" : "0.49.0" })),
  );
  const [change, ...others] = findSpeed(found)?.changes ?? [];
  expect(others).toEqual([]);
  expect(change).toMatchObject({
    run_id: "run-18",
    at: "2026-10-19T02:00:00.000Z",
    verdict: "worse",
    together_with: [{ what: "bitsandbytes", before: "0.49.0", after: "0.50.2", is_known: true }],
  });
  expect(change?.ci95_low).toBeLessThan(0.9);
  expect(change?.ci95_high).toBeGreaterThan(0.9);
  expect(found.environment_changes.map(({ run_id }) => run_id)).toEqual(["run-18"]);
  expect(
    found.series.filter(({ metric }) => metric === "weights_bytes").flatMap(({ changes }) => changes),
  ).toEqual([]);
});

test("other prompts begin a new segment, and no change is looked for across it", () => {
  const judged = report(runs(24, (i) => (i >= 12 ? { speed: 0.5, prompts: ["another"] } : {})));
  const found = findSpeed(judged);
  expect(listBreaks(judged)).toEqual([
    { run_id: "run-12", at: "2026-10-13T02:00:00.000Z", reasons: ["other prompts"] },
  ]);
  expect(found?.changes).toEqual([]);
  expect(found?.newest?.against?.runs_before).toBe(11);
  expect(new Set(found?.points.map(({ segment }) => segment))).toEqual(new Set([0, 1]));
});

test("another quantization under the same label begins a new segment that says so", () => {
  const other = THREE.map((one) =>
    one.id === "fp4" ? { ...one, quantization: QUANTIZATIONS.nf4 ?? { method: "none" as const } } : one,
  );
  const [first] = listBreaks(report(runs(4, (i) => (i >= 2 ? { configurations: other } : {}))));
  expect(first?.reasons[0]).toContain("fp4, bfloat16");
  expect(first?.reasons[0]).toContain("→ nf4");
});

test("other weights under the same name, and settings that the model's files brought along, begin new segments", () => {
  const all = runs(6, () => ({}));
  const changed = all.map((run, index) => {
    const { runValues } = run;
    if (runValues === null) throw new Error("no values");
    const fingerprints = {
      weights: index < 2 ? "a".repeat(64) : "b".repeat(64),
      tokenizer: "t",
      chat_template: null,
      generation_settings: null,
    };
    const generation_settings =
      index < 4 ? { max_new_tokens: 8 } : { max_new_tokens: 8, no_repeat_ngram_size: 2 };
    const configurations = runValues.configurations.map((one) => ({
      ...one,
      fingerprints,
      generation_settings,
    }));
    return { ...run, runValues: { ...runValues, configurations } };
  });
  expect(listBreaks(report(changed)).map(({ run_id, reasons }) => [run_id, ...reasons])).toEqual([
    ["run-2", "weights aaaaaaaaaaaa → bbbbbbbbbbbb"],
    ["run-4", "generation settings no_repeat_ngram_size at its default → no_repeat_ngram_size 2"],
  ]);
});

test("another machine of the same name begins a new segment, and its fall is no change of the old one", () => {
  const judged = report(
    runs(24, (i) => (i >= 12 ? { speed: 0.13, environment: { machine: MACHINE_WITHOUT_BF16 } } : {})),
  );
  const found = findSpeed(judged);
  expect(listBreaks(judged)).toEqual([
    {
      run_id: "run-12",
      at: "2026-10-13T02:00:00.000Z",
      reasons: [
        "CPU instruction sets: avx512_bf16 missing",
        "4-bit on the CPU fused AVX512-BF16 kernel → unpacked for each product",
      ],
    },
  ]);
  expect(found?.changes).toEqual([]);
  expect(new Set(found?.points.map(({ segment }) => segment))).toEqual(new Set([0, 1]));
});

test("a run that recorded less of its machine joins no two machines", () => {
  const found = findSpeed(
    report(
      runs(6, (i) => ({
        environment: { machine: i < 2 ? MACHINE : i < 4 ? null : MACHINE_WITHOUT_BF16 },
      })),
    ),
  );
  expect(found?.breaks.map(({ run_id }) => run_id)).toEqual(["run-4"]);
});

test("what earlier runs did not record is said once, and the series goes on", () => {
  const found = report(runs(12, (i) => (i < 6 ? { environment: { machine: null } } : {})));
  expect(findSpeed(found)?.breaks).toEqual([]);
  expect(found.environment_changes.map(({ run_id }) => run_id)).toEqual(["run-6"]);
  const [change] = found.environment_changes;
  expect(change?.differences.every(({ is_known }) => !is_known)).toBe(true);
  expect(differencesText(change?.differences ?? [], 8)).toMatch(
    /^CPU instruction sets, usable cores, .*: not recorded before$/,
  );
});

test("another driver, or kernels that another library chose, are what a history judges: the series goes on", () => {
  const driver = report(runs(4, (i) => ({ environment: { gpu_driver_version: i < 2 ? "570" : "580" } })));
  const chosen = report(
    runs(4, (i) => ({
      bitsandbytes: i < 2 ? "0.49.0" : "0.50.2",
      environment:
        i < 2
          ? {}
          : {
              packages: { bitsandbytes: "0.50.2" },
              machine: { ...MACHINE, bitsandbytes: MACHINE_WITHOUT_BF16.bitsandbytes },
            },
    })),
  );
  const held = report(
    runs(4, (i) => ({
      environment: i < 2 ? {} : { machine: { ...MACHINE, torch_cpu_capability: "AVX2" } },
    })),
  );
  expect([driver, chosen, held].map((one) => findSpeed(one)?.breaks.length)).toEqual([0, 0, 1]);
  expect(driver.environment_changes[0]?.differences).toEqual([
    { what: "GPU driver", before: "570", after: "580", is_known: true },
  ]);
});

test("failed and killed runs keep their place without a figure", () => {
  const found = findSpeed(
    report(runs(6, (i) => (i === 2 ? { fate: "failed" } : i === 4 ? { fate: "killed" } : {}))),
  );
  expect(found?.points.map(({ value, status }) => (value === null ? status : "measured"))).toEqual([
    "measured",
    "measured",
    "failed",
    "measured",
    "killed",
    "measured",
  ]);
});

test("a configuration that was reused from an earlier run is not counted as measured again", () => {
  const all = runs(4).map((run, i) => {
    if (i < 2 || run.runValues === null) return run;
    const [first, ...others] = run.runValues.configurations;
    const reused =
      first === undefined
        ? []
        : [{ ...first, reused_from: { experiment: "quant", run_id: "run-1", at: "2026-10-01T02:00:00Z" } }];
    return { ...run, runValues: { ...run.runValues, configurations: [...reused, ...others] } };
  });
  expect(findSpeed(report(all), "none")?.points.map(({ run }) => run)).toEqual([0, 1]);
  expect(findSpeed(report(all), "none")?.newest?.is_of_newest_run).toBe(false);
  expect(findSpeed(report(all), "int8")?.points).toHaveLength(4);
});

test("a regression is one only where point and interval are beyond the limit", () => {
  const fallen = runs(16, (i) => ({ speed: i === 15 ? 0.85 : 1 }));
  const outcomes = (...conditions: string[]) =>
    report(fallen, conditions).checks.map(({ configuration, outcome }) => `${configuration} ${outcome}`);
  expect(outcomes("decode_tokens_per_sec<-5%")).toEqual([
    "none regression",
    "int8 regression",
    "fp4 regression",
  ]);
  expect(outcomes("decode_tokens_per_sec<-30%")[0]).toBe("none within-limit");
  expect(outcomes("elapsed_sec>+5%")[0]).toBe("none regression");
  expect(outcomes("decode_tokens_per_sec<18")[0]).toBe("none regression");
  expect(outcomes("weights_bytes>200MB")).toEqual([
    "none regression",
    "int8 within-limit",
    "fp4 within-limit",
  ]);
  const small = report(
    runs(16, (i) => ({ speed: i === 15 ? 0.985 : 1 })),
    ["decode_tokens_per_sec<-0.5%"],
  );
  expect(small.checks.some(({ outcome }) => outcome === "within-noise")).toBe(true);
  expect(small.checks.some(({ outcome }) => outcome === "regression")).toBe(false);
});

test("too few runs, and a newest run that did not measure it, are no regression and say so", () => {
  expect(report(runs(3), ["decode_tokens_per_sec<-1%"]).checks[0]?.outcome).toBe("too-few-runs");
  const failed = report(
    runs(8, (i) => (i === 7 ? { fate: "failed" } : {})),
    ["decode_tokens_per_sec<-1%"],
  );
  expect(failed.checks.find(({ configuration }) => configuration === "fp4")?.outcome).toBe("no-figure");
});

test("a run that goes on is not judged as the newest", () => {
  const all = runs(8).map((run, i) => (i === 7 ? { ...run, status: "running", runValues: null } : run));
  expect(findSpeed(report(all))?.newest).toMatchObject({ run_id: "run-6", is_of_newest_run: true });
});

test("on pure noise a limit is broken in at most one of fifty series", () => {
  const alarms = Array.from({ length: 20 }, (_, seed) =>
    report(
      runs(12).map((run, i, all) => all[(i * 7 + seed) % all.length] ?? run),
      ["decode_tokens_per_sec<-2%"],
    ),
  ).flatMap(({ checks }) => checks.filter(({ outcome }) => outcome === "regression"));
  expect(alarms.length).toBeLessThanOrEqual(1);
});

test("scheduled runs that did not come are told, late ones are not", () => {
  const at = (hours: number) => ({ started_at: new Date(FIRST + hours * 3_600_000).toISOString() });
  const missed = missedRuns([at(0), at(24), at(80), at(97)], 86_400, new Date(FIRST + 140 * 3_600_000));
  expect(missed).toEqual([at(48).started_at, at(121).started_at]);
  expect(missedRuns([at(0)], 1, new Date(FIRST + 1e9)).length).toBe(10_000);
  expect(missedRuns([], 60, new Date())).toEqual([]);
});

test("a budget is judged by the run's own figure, be it the first run there is", () => {
  const outcomes = (condition: string, one = {}) =>
    report(
      runs(1, () => one),
      [condition],
    ).checks.map(({ configuration, outcome }) => `${configuration} ${outcome}`);
  expect(outcomes("decode_tokens_per_sec<50")).toEqual([
    "none regression",
    "int8 regression",
    "fp4 regression",
  ]);
  expect(outcomes("decode_tokens_per_sec<10")[0]).toBe("none within-limit");
  const newest = findSpeed(report(runs(1)), "none")?.newest;
  const withinOwn = ((newest?.value ?? 0) + (newest?.own_high ?? 0)) / 2;
  expect(outcomes(`decode_tokens_per_sec<${withinOwn}`)[0]).toBe("none within-noise");
  expect(outcomes("peak_memory_bytes>100MB")[0]).toBe("none regression");
  expect(outcomes("decode_tokens_per_sec<-5%")[0]).toBe("none too-few-runs");
});

test("a budget of time is not judged where other work disturbed every trial", () => {
  const all = [0, 1, 2, 3, 4];
  const configurations = THREE.map((one) => ({ ...one, disturbedTrials: all }));
  const { checks } = report(
    runs(1, () => ({ configurations })),
    ["decode_tokens_per_sec<50", "weights_bytes>1MB"],
  );
  expect(checks.map(({ outcome }) => outcome)).toEqual([
    ...["disturbed", "disturbed", "disturbed"],
    ...["regression", "regression", "regression"],
  ]);
});
