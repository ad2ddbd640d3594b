import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseFailCondition } from "../../../src/analysis/history/fail-on.js";
import { HISTORY_METRICS } from "../../../src/analysis/history/metrics.js";
import { FalconError } from "../../../src/base/errors.js";

describe("a condition", () => {
  test.each([
    ["decode_tokens_per_sec<-5%", "decode_tokens_per_sec", "<", { kind: "change", ratio: 0.95 }],
    [" elapsed_sec > +2.5 % ", "elapsed_sec", ">", { kind: "change", ratio: 1.025 }],
    ["elapsed_sec>0%", "elapsed_sec", ">", { kind: "change", ratio: 1 }],
    ["decode_tokens_per_sec<−5%", "decode_tokens_per_sec", "<", { kind: "change", ratio: 0.95 }],
    ["peak_memory_bytes>1.2GB", "peak_memory_bytes", ">", { kind: "value", value: 1.2e9 }],
    ["weights_bytes>24 gib", "weights_bytes", ">", { kind: "value", value: 24 * 2 ** 30 }],
    ["ttft_sec>150ms", "ttft_sec", ">", { kind: "value", value: 0.15 }],
    ["top1_agreement<0.9", "top1_agreement", "<", { kind: "value", value: 0.9 }],
    ["kl_mean_nats>1e-2", "kl_mean_nats", ">", { kind: "value", value: 0.01 }],
  ] as const)("%s is understood", (text, metric, operator, limit) => {
    const parsed = parseFailCondition(text);
    expect([parsed.metric.key, parsed.operator]).toEqual([metric, operator]);
    expect(parsed.limit.kind).toBe(limit.kind);
    if (parsed.limit.kind === "change" && limit.kind === "change") {
      expect(parsed.limit.ratio).toBeCloseTo(limit.ratio, 12);
    } else expect(parsed.limit).toEqual(limit);
  });

  test.each([
    ["decode_token_per_sec<-5%", 1, "Did you mean decode_tokens_per_sec?"],
    ["speed<-5%", 1, "Metrics: decode_tokens_per_sec"],
    ["<-5%", 1, "Metrics:"],
    ["elapsed_sec=5", 12, "Write it as"],
    ["elapsed_sec", 12, "Write it as"],
    ["elapsed_sec>", 13, "Write it as"],
    ["elapsed_sec>fast", 13, "Write it as"],
    ["elapsed_sec>5%", 13, "Write it as"],
    ["elapsed_sec>+5", 13, "Write it as"],
    ["elapsed_sec>5GB", 14, "Its units: s, ms, min."],
    ["top1_agreement<5x", 17, "Write the bare number"],
    ["decode_tokens_per_sec<-100%", 23, "Write it as"],
    ["elapsed_sec>1e999", 13, "Write it as"],
  ])("%s is refused at column %i", (text, column, next) => {
    const error = refused(text);
    expect(error.code).toBe("fail-on-invalid");
    expect(error.exitCode).toBe(2);
    expect(error.place?.column).toBe(column);
    expect(error.next).toContain(next);
  });
});

function refused(text: string): FalconError {
  try {
    parseFailCondition(text);
  } catch (error) {
    if (error instanceof FalconError) return error;
    throw error;
  }
  throw new Error(`${text} was taken`);
}

test("any text is either a condition or refused at a place within it", () => {
  const metric = fc.constantFrom(...HISTORY_METRICS.map(({ key }) => key), "elapsed", "");
  const part = fc.constantFrom("<", ">", "-", "+", "5", "%", "GB", "ms", " ", "e", ".", "=");
  const condition = fc
    .tuple(metric, fc.array(part, { maxLength: 6 }))
    .map(([key, rest]) => key + rest.join(""));
  fc.assert(
    fc.property(fc.oneof(condition, fc.string()), (text) => {
      try {
        const { limit } = parseFailCondition(text);
        expect(Number.isFinite(limit.kind === "value" ? limit.value : limit.ratio)).toBe(true);
      } catch (error) {
        if (!(error instanceof FalconError)) throw error;
        expect(error.place?.column).toBeGreaterThanOrEqual(1);
        expect(error.place?.column).toBeLessThanOrEqual(text.length + 1);
      }
    }),
    { numRuns: 2000 },
  );
});
