import { expect, test } from "vitest";
import { groupByReference } from "../../src/analysis/reference-groups.js";
import { runMarkdown } from "../../src/render/markdown/markdown.js";
import { resultTable } from "../../src/render/terminal/terminal-table.js";
import { writeSummary } from "../../src/render/words/summary.js";
import type { RunFileRecord } from "../../src/run/record-types.js";
import { groupRecords } from "../../src/run/run-data.js";
import { fakeRun, THREE } from "../fixtures/records.js";

/** Two models, each unquantized and quantized to 4 bits, in an order that mixes them. */
function twoModels() {
  const [plain, , fp4] = THREE;
  if (plain === undefined || fp4 === undefined) throw new Error("no configurations");
  const { records } = fakeRun({
    configurations: [
      { ...plain, id: "a-none" },
      { ...plain, id: "b-none", weightsBytes: 500e6 },
      { ...fp4, id: "a-fp4" },
      { ...fp4, id: "b-fp4", weightsBytes: 200e6 },
    ],
  });
  const withReferences = records.map((record): RunFileRecord => {
    if (record.kind !== "run") return record;
    const configurations = record.configurations.map((one) => {
      const reference_id = `${one.worker.id.slice(0, 1)}-none`;
      return { ...one, is_reference: one.worker.id === reference_id, reference_id };
    });
    return { ...record, configurations };
  });
  return writeSummary(groupRecords(withReferences, "test"));
}

test("each model is compared with its own reference, and with no other's", () => {
  const { configurations } = twoModels();
  expect(configurations.map(({ is_reference, reference_id }) => [is_reference, reference_id])).toEqual([
    [true, "a-none"],
    [true, "b-none"],
    [false, "a-none"],
    [false, "b-none"],
  ]);
  expect(configurations[1]?.against_reference).toBeNull();
  expect(configurations[3]?.against_reference?.weights_ratio).toBeCloseTo(200 / 500, 12);
});

test("tables and sentences keep each model together, and name its reference", () => {
  const summary = twoModels();
  expect(
    groupByReference(summary.configurations).map(({ configurations }) => configurations.map(({ id }) => id)),
  ).toEqual([
    ["a-none", "a-fp4"],
    ["b-none", "b-fp4"],
  ]);
  const table = resultTable(summary, { columns: 120, color: false });
  expect(table.match(/(?<=│ )[ab]-\w+/g)).toEqual(["a-none", "a-fp4", "b-none", "b-fp4"]);
  expect(table).toMatch(
    /against a-none:\na-fp4: weights[\s\S]*against b-none:\nb-fp4: weights 2\.50× smaller/,
  );
  expect(runMarkdown(summary)).toMatch(/- against \*\*b-none\*\*:\n {2}- \*\*b-fp4\*\*: weights/);
});
