import { expect, test } from "vitest";
import { readJunitRows } from "../../../scripts/gpu/junit-rows.js";

const noted = (row: object) =>
  `<property name="figure" value="${JSON.stringify(row).replaceAll("&", "&amp;").replaceAll('"', "&quot;").replaceAll("<", "&lt;")}" />`;
const wrap = (cases: string) => `<testsuites><testsuite name="pytest">${cases}</testsuite></testsuites>`;

test("a test without a figure is a row of its own title", () => {
  const rows = readJunitRows(
    wrap('<testcase classname="tests.gpu" name="test_a_worker_starts[none]" time="1" />'),
  );
  expect(rows).toEqual([
    { what: "a worker starts [none]", figure: "", expected: "", result: "ok", reason: "" },
  ]);
});

test("each figure that a test noted is a row with the test's result", () => {
  const figures = [
    { what: "start", figure: 'a "quoted" <card>', expected: "one & no other" },
    { what: "card", figure: "GPU-1", expected: "GPU-1" },
  ];
  const rows = readJunitRows(
    wrap(
      `<testcase name="test_one" time="1"><properties>${figures.map(noted).join("")}</properties></testcase>`,
    ),
  );
  expect(rows).toEqual(figures.map((one) => ({ ...one, result: "ok", reason: "" })));
});

test("a failure, an error and a skip say why in one line", () => {
  const rows = readJunitRows(
    wrap(
      '<testcase name="test_a"><failure message="assert 1.5 == 1 ± 0.02&#10;more">text</failure></testcase>' +
        '<testcase name="test_b"><error message="failed on setup">text</error></testcase>' +
        '<testcase name="test_c"><skipped type="pytest.skip" message="no GPU: none here">text</skipped></testcase>',
    ),
  );
  expect(rows.map(({ result, reason }) => [result, reason])).toEqual([
    ["FAILED", "assert 1.5 == 1 ± 0.02"],
    ["FAILED", "failed on setup"],
    ["skipped", "no GPU: none here"],
  ]);
});
