import fc from "fast-check";
import { expect, test } from "vitest";
import { RECORD_SCHEMA_VERSION } from "../../src/run/record-types.js";
import { UPGRADE_STEPS, type UpgradeStep, upgradeLine } from "../../src/run/upgrade.js";
import { collectErrors } from "../fixtures/experiments.js";

test("there is a step from every older version to the next", () => {
  expect(UPGRADE_STEPS).toHaveLength(RECORD_SCHEMA_VERSION - 1);
});

test("a line goes through the steps from its own version on, in order, and is not changed itself", () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 6 }), fc.integer({ min: 0, max: 6 }), (count, back) => {
      const steps = Array.from(
        { length: count },
        (_, index): UpgradeStep =>
          (line) => ({ ...line, went: [...(line.went as number[]), index + 1] }),
      );
      const version = Math.max(1, count + 1 - back);
      const line = Object.freeze({ schema_version: version, kind: "trial", went: [] });
      expect(upgradeLine(line, "here", steps)).toEqual({
        schema_version: count + 1,
        kind: "trial",
        went: Array.from({ length: count + 1 - version }, (_, index) => version + index),
      });
    }),
  );
});

test("a step need not know of versions: a renamed key", () => {
  const rename: UpgradeStep = ({ tokens, ...rest }) => ({ ...rest, output_tokens: tokens });
  expect(upgradeLine({ schema_version: 1, tokens: 3 }, "here", [rename])).toEqual({
    schema_version: 2,
    output_tokens: 3,
  });
});

test("a line of a newer version is refused, and its place named", async () => {
  const [error] = await collectErrors(async () =>
    upgradeLine({ schema_version: 3 }, "records.jsonl:7", [(line) => line]),
  );
  expect(error).toMatchObject({ code: "results-schema-newer", exitCode: 7 });
  expect(error?.message).toContain("records.jsonl:7 has schema version 3; this falcon-exp reads up to 2");
});

test("what is no record is left to the schema", () => {
  for (const line of [
    null,
    7,
    [],
    {},
    { schema_version: "1" },
    { schema_version: 0 },
    { schema_version: 1.5 },
  ]) {
    expect(upgradeLine(line, "here", [(older) => older, (older) => older])).toBe(line);
  }
});
