import { writeFileSync } from "node:fs";
import { expect, test } from "vitest";
import { dealParts } from "../../src/plan/slices.js";
import { dealRun, writeDeal } from "../../src/run/deal-file.js";
import { RunPaths } from "../../src/run/paths.js";
import { smallPlan } from "../fixtures/plans.js";
import { scratchFolder } from "../fixtures/run-folder.js";

const parts = ["a", "b", "c"].map((label) => smallPlan([label]));
const [a, b, c] = parts;

test("slices have the parts that their file says, and where it says nothing of so many, about as many loads each", async () => {
  const run = new RunPaths(scratchFolder());
  expect(await dealRun(run, parts, 2)).toEqual(dealParts(parts, 2));
  await writeDeal(run, [
    { parts: [2], predicted_sec: 4000 },
    { parts: [0, 1], predicted_sec: 3000 },
  ]);
  expect(await dealRun(run, parts, 2)).toEqual([[c], [a, b]]);
  // A process that measures the rest of the run alone gets all parts.
  expect(await dealRun(run, parts, 1)).toEqual([[a, b, c]]);
});

test.each([
  ["torn", '{"schema_version":1,"sli'],
  [
    "with a part twice",
    '{"schema_version":1,"slices":[{"parts":[0,1],"predicted_sec":1},{"parts":[1],"predicted_sec":1}]}',
  ],
  ["without a part", '{"schema_version":1,"slices":[{"parts":[0,1],"predicted_sec":1}]}'],
  ["of another plan", '{"schema_version":1,"slices":[{"parts":[0,1,3],"predicted_sec":1}]}'],
])(
  "a file that is %s is an error: guessing would leave parts out, or measure them twice",
  async (_, text) => {
    const run = new RunPaths(scratchFolder());
    writeFileSync(run.slices, text);
    await expect(dealRun(run, parts, 2)).rejects.toMatchObject({ code: "slices-unreadable" });
  },
);
