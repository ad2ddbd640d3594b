/** Wherever answers and quality are shown, the reader is told that random weights make them meaningless. */
import { expect, test } from "vitest";
import { sharedChart } from "../../../src/render/charts/charts.js";
import { chartInputs } from "../../../src/render/charts/inputs/chart-inputs.js";
import { answersSection } from "../../../src/render/html/answers-section.js";
import { proofSection } from "../../../src/render/html/proof-section.js";
import { answersText } from "../../../src/render/terminal/answers-terminal.js";
import { howLoaded } from "../../../src/render/words/loaded.js";
import { describeRandomWeights } from "../../../src/render/words/random-weights.js";
import { writeSummary } from "../../../src/render/words/summary.js";
import type { RunFileRecord } from "../../../src/run/record-types.js";
import { groupRecords } from "../../../src/run/run-data.js";
import { scoredRun } from "../../fixtures/quality.js";

const RANDOM = { source: "random", config: { model_type: "falcon" }, seed: 0, tokenizer: "bytes" } as const;
const ALL = "The weights are random: answers and quality mean nothing.";

/** A run with quality in which the configurations whose label passes `isRandom` have random weights. */
function randomRun(isRandom: (label: string) => boolean) {
  const records = scoredRun().map((record): RunFileRecord => {
    if (record.kind === "configuration") return record;
    if (record.kind === "run") {
      const configurations = record.configurations.map((one) =>
        isRandom(one.worker.label) ? { ...one, worker: { ...one.worker, model: RANDOM } } : one,
      );
      return { ...record, configurations };
    }
    if (record.kind !== "load" || !isRandom(record.configuration)) return record;
    return { ...record, load: { ...record.load, load_sec: null, weights_source: "random" } };
  });
  return groupRecords(records, "test");
}

test("the sentence names those with random weights where not all have them", () => {
  expect(describeRandomWeights(randomRun(() => true).configurations)).toBe(ALL);
  expect(describeRandomWeights(randomRun((label) => label !== "none").configurations)).toBe(
    "The weights of int8, fp4 are random: their answers and quality mean nothing.",
  );
  expect(describeRandomWeights(randomRun(() => false).configurations)).toBeNull();
});

test.each([
  [true, "said"],
  [false, "not said of others"],
])("random weights: %s, it is %s beside the answers and in the charts of quality", (isRandom) => {
  const data = randomRun(() => isRandom);
  const inputs = chartInputs(data, writeSummary(data));
  const charts = (["tradeoff", "kl-tails"] as const).map((name) =>
    JSON.stringify(sharedChart(inputs, name, () => true)),
  );
  const places = [answersText(data, { columns: 100, color: false }), answersSection(data).text, ...charts];
  for (const place of places) expect(place.includes(ALL)).toBe(isRandom);
});

test("weights that were drawn have no load time, and the page says why", () => {
  const data = randomRun(() => true);
  expect(proofSection(data, writeSummary(data)).text).toContain("none: the weights were drawn at random");
  expect(writeSummary(data).configurations[0]?.load_sec).toBeNull();
  expect(howLoaded(null)).toBe("weights drawn at random");
  expect(howLoaded(3.4)).toBe("loaded in 3.4 s");
});
