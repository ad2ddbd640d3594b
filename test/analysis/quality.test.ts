import fc from "fast-check";
import { expect, test } from "vitest";
import {
  computeKlDivergence,
  computePerplexity,
  computePerplexityRatio,
  computeShare,
} from "../../src/analysis/quality.js";
import { qualityCsv, qualityRows } from "../../src/render/quality-csv.js";
import { resultTable } from "../../src/render/terminal/terminal-table.js";
import { writeSummary } from "../../src/render/words/summary.js";
import type { RunFileRecord } from "../../src/run/record-types.js";
import { groupRecords } from "../../src/run/run-data.js";
import { qualityMeasurement, scoredRun } from "../fixtures/quality.js";

test("perplexity is the exponential of the mean negative log-likelihood, its interval that of the mean", () => {
  // Mean 2, sample standard deviation √2 (squares 1 + 0 + 1 + 4 + 0 + 4 = 10, ÷ 5), t(0.975, 5) = 2.570582.
  const half = (2.570582 * Math.SQRT2) / Math.sqrt(6);
  const perplexity = computePerplexity({ token_nll: [1, 2, 3, 4, 2, 0] });
  expect(perplexity?.value).toBeCloseTo(Math.exp(2), 12);
  expect(perplexity?.ci95_low).toBeCloseTo(Math.exp(2 - half), 5);
  expect(perplexity?.ci95_high).toBeCloseTo(Math.exp(2 + half), 4);
});

test("the ratio's interval comes from paired differences: what is hard for both cancels", () => {
  const reference = qualityMeasurement();
  // Differences 0.1, 0.3, 0.1, 0.3, 0.1, 0.3: mean 0.2, standard deviation √0.012.
  const own = qualityMeasurement({ token_nll: [1.1, 2.3, 3.1, 4.3, 2.1, 0.3] });
  const ratio = computePerplexityRatio(own, reference);
  const half = (2.570582 * Math.sqrt(0.012)) / Math.sqrt(6);
  expect(ratio?.value).toBeCloseTo(Math.exp(0.2), 12);
  expect(ratio?.ci95_low).toBeCloseTo(Math.exp(0.2 - half), 6);
  expect(ratio?.ci95_high).toBeCloseTo(Math.exp(0.2 + half), 6);
});

test("other tokens are not compared", () => {
  expect(
    computePerplexityRatio(qualityMeasurement(), qualityMeasurement({ token_ids_sha256: "other" })),
  ).toBeNull();
  expect(computePerplexityRatio(qualityMeasurement(), null)).toBeNull();
});

test("a divergence has its mean and its tail", () => {
  const kl = computeKlDivergence([0.4, 0, 0.2, 0.1, 0.3]);
  expect(kl?.mean).toBeCloseTo(0.2, 12);
  expect(kl?.median).toBeCloseTo(0.2, 12);
  // Linear between order statistics: 0.9 × 4 = 3.6 → 0.3 + 0.6 × 0.1; 0.99 × 4 = 3.96 → 0.3 + 0.96 × 0.1.
  expect(kl?.p90).toBeCloseTo(0.36, 12);
  expect(kl?.p99).toBeCloseTo(0.396, 12);
  expect(kl?.max).toBe(0.4);
  expect(computeKlDivergence([])).toBeNull();
});

test("an agreement has Wilson's interval", () => {
  // 8 of 10; textbooks give the interval 0.4902 to 0.9433.
  const share = computeShare([1, 1, 1, 1, 0, 1, 1, 0, 1, 1]);
  expect(share?.value).toBe(0.8);
  expect(share?.ci95_low).toBeCloseTo(0.4902, 4);
  expect(share?.ci95_high).toBeCloseTo(0.9433, 4);
});

test("an interval of an agreement holds it, within 0 and 1", () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom(0 as const, 1 as const), { minLength: 1 }), (hits) => {
      const share = computeShare(hits);
      if (share === null || share.ci95_low === null || share.ci95_high === null)
        throw new Error("no interval");
      expect(share.ci95_low).toBeGreaterThanOrEqual(0);
      expect(share.ci95_low).toBeLessThanOrEqual(share.value + 1e-12);
      expect(share.ci95_high).toBeGreaterThanOrEqual(share.value - 1e-12);
      expect(share.ci95_high).toBeLessThanOrEqual(1);
    }),
  );
});

test("the median of an even number of tokens lies between the two in the middle", () => {
  expect(computeKlDivergence([0.1, 0.4, 0.2, 0.8])?.median).toBeCloseTo(0.3, 12);
  expect(computeKlDivergence([0.1, 0.4, 0.2])?.median).toBe(0.2);
});

test("the other direction stands beside the first where it was asked for, and nowhere else", () => {
  const both = scoredRun().map((record) => {
    if (record.kind !== "quality" || record.status !== "completed") return record;
    const against = record.measurement.against_reference;
    if (against === null) return record;
    const told = { ...against, kl_reverse_nats: against.kl_nats.map((nats) => 2 * nats) };
    return { ...record, measurement: { ...record.measurement, against_reference: told } };
  });
  const [, int8] = writeSummary(groupRecords(both, "test")).configurations;
  expect(int8?.quality[0]?.kl_divergence_reverse?.mean).toBeCloseTo(1, 12);
  const shown = (records: readonly RunFileRecord[]) =>
    resultTable(writeSummary(groupRecords(records, "test")), { columns: 160, color: false });
  expect(shown(both)).toContain("KL back");
  expect(shown(scoredRun())).not.toContain("KL back");
});

const summary = writeSummary(groupRecords(scoredRun(), "test"));

test("a run's summary has the figures of every text, and none against itself for the reference", () => {
  const [reference, int8] = summary.configurations;
  expect(reference?.quality[0]).toMatchObject({ ppl_ratio: null, kl_divergence: null, top1_agreement: null });
  expect(reference?.quality[0]?.perplexity?.value).toBeCloseTo(Math.exp(2), 12);
  expect(int8?.quality[0]?.ppl_ratio?.value).toBeCloseTo(Math.exp(0.1), 12);
  expect(int8?.quality[0]?.kl_divergence?.mean).toBeCloseTo(0.5, 12);
  expect(int8?.against_reference?.sentence).toContain("perplexity 1.11× higher [1.11, 1.11]");
  expect(int8?.against_reference?.sentence).toContain("top-1 agreement 66.7 %");
});

test("quality.csv has a row a text and a row a task's metric, under the same columns", () => {
  const rows = qualityRows(summary);
  expect(rows.map(({ kind }) => kind)).toEqual(["text", "lm_eval", "text", "lm_eval", "text", "lm_eval"]);
  expect(new Set(rows.map((row) => Object.keys(row).join())).size).toBe(1);
  expect(qualityCsv(summary)?.split("\n")).toHaveLength(8);
  expect(rows[2]).toMatchObject({ configuration: "int8", quantization: "int8" });
});

test("the table has the quality of every configuration, and no line is wider than the terminal", () => {
  for (const columns of [60, 80, 120]) {
    const table = resultTable(summary, { columns, color: false });
    expect(table).toContain("66.7 %");
    expect(table).toContain("lm-eval everyday acc: bf16 95.0 % ± 3.5");
    for (const line of table.split("\n")) expect(line.length).toBeLessThanOrEqual(columns);
  }
});

test("a failed text is named with its code and takes nothing else away", () => {
  const records = scoredRun().map((record) =>
    record.kind === "quality" && record.configuration_id === "int8"
      ? ({
          ...record,
          status: "failed",
          measurement: undefined,
          failure: {
            code: "text-too-short",
            message: "x",
            next: "y",
            phase: "quality",
            exit_code: null,
            signal: null,
            stderr_tail: [],
            traceback: null,
          },
        } as unknown as typeof record)
      : record,
  );
  const int8 = writeSummary(groupRecords(records, "test")).configurations[1];
  expect(int8?.quality[0]).toMatchObject({
    status: "failed",
    failure_code: "text-too-short",
    perplexity: null,
  });
  expect(int8?.trials_completed).toBe(5);
});
