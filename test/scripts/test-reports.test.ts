import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { execa } from "execa";
import { expect, test } from "vitest";
import {
  formatFailures,
  formatSlowest,
  readPytestReport,
  readVitestReport,
} from "../../scripts/test-reports.js";
import { packageRoot } from "../../src/base/program.js";
import { testPython } from "../fixtures/python.js";
import { scratchFolder } from "../fixtures/run-folder.js";

const PYTHON_TESTS = `
import pytest

@pytest.mark.parametrize("sign", ["<", "&"])
def test_passes(sign):
    pass

def test_fails():
    assert 1 > 2, "a < b"

@pytest.fixture
def broken():
    raise RuntimeError("no")

def test_has_a_broken_fixture(broken):
    pass

@pytest.mark.skip(reason='no "disk" & no tape')
def test_is_skipped():
    pass

@pytest.mark.gpu
def test_needs_a_gpu():
    pytest.skip("no GPU: torch sees none")

@pytest.mark.gpu
def test_needs_a_gpu_and_a_tape():
    pytest.skip("no tape")

def test_pretends_to_need_a_gpu():
    pytest.skip("no GPU: torch sees none")
`;

test("pytest's own report is read: a skip of a test that is marked gpu, for want of one, is excused alone, and every reason is told", async () => {
  const folder = scratchFolder();
  writeFileSync(join(folder, "test_made.py"), PYTHON_TESTS);
  const xml = join(folder, "report.xml");
  const config = [
    "-c",
    "pyproject.toml",
    "--rootdir",
    folder,
    "-p",
    "tests.conftest",
    "-p",
    "no:cacheprovider",
  ];
  const done = await execa(testPython(), ["-m", "pytest", ...config, `--junitxml=${xml}`, folder], {
    cwd: join(packageRoot(), "python"),
    reject: false,
  });
  expect(done.exitCode, done.stdout).toBe(1);
  const { outcome, timed } = readPytestReport(readFileSync(xml, "utf8"));
  expect(outcome).toEqual({
    passed: 2,
    failed: 2,
    skipped: [
      'python/test_made.py: test_is_skipped: no "disk" & no tape',
      "python/test_made.py: test_needs_a_gpu: no GPU: torch sees none",
      "python/test_made.py: test_needs_a_gpu_and_a_tape: no tape",
      "python/test_made.py: test_pretends_to_need_a_gpu: no GPU: torch sees none",
    ],
    excused: 1,
    tests: [
      { file: "python/test_made.py", name: "test_passes", passed: true },
      { file: "python/test_made.py", name: "test_passes", passed: true },
      { file: "python/test_made.py", name: "test_fails", passed: false },
      { file: "python/test_made.py", name: "test_has_a_broken_fixture", passed: false },
      { file: "python/test_made.py", name: "test_is_skipped", passed: false },
      { file: "python/test_made.py", name: "test_needs_a_gpu", passed: false },
      { file: "python/test_made.py", name: "test_needs_a_gpu_and_a_tape", passed: false },
      { file: "python/test_made.py", name: "test_pretends_to_need_a_gpu", passed: false },
    ],
    failures: [
      {
        name: "python/test_made.py: test_fails",
        message: expect.stringMatching(/^E +AssertionError: a < b$/m),
      },
      {
        name: "python/test_made.py: test_has_a_broken_fixture",
        message: expect.stringMatching(/^E +RuntimeError: no$/m),
      },
    ],
  });
  expect(timed.map(({ name }) => name)).toContain("python/test_made.py: test_passes[<]");
});

const VITEST_FILE = `
beforeAll(() => {});
describe("a group", () => {
  test.each([1, 2])("passes with %i", () => {});
  test("fails", () => expect(1).toBe(2));
  test("hangs", () => new Promise(() => {}), 10);
});
test.skip("is skipped", () => {});
`;

test("vitest's tests are reported one by one, with what their files did besides", async () => {
  const folder = scratchFolder();
  writeFileSync(join(folder, "made.test.ts"), VITEST_FILE);
  writeFileSync(join(folder, "unmade.test.ts"), 'import "./missing.js";');
  const report = join(folder, "report.json");
  const reporter = join(packageRoot(), "scripts/vitest-report.ts");
  const done = await execa("vitest", ["run", "--root", folder, "--globals", `--reporter=${reporter}`], {
    cwd: packageRoot(),
    env: { FALCON_EXP_VITEST_REPORT: report },
    preferLocal: true,
    reject: false,
  });
  expect(done.exitCode, done.stderr).toBe(1);
  const { outcome, timed } = readVitestReport(readFileSync(report, "utf8"));
  expect(outcome).toEqual({
    passed: 2,
    failed: 2,
    skipped: ["made.test.ts: is skipped"],
    tests: [
      { file: "made.test.ts", name: "passes with 1", passed: true },
      { file: "made.test.ts", name: "passes with 2", passed: true },
      { file: "made.test.ts", name: "fails", passed: false },
      { file: "made.test.ts", name: "hangs", passed: false },
      { file: "made.test.ts", name: "is skipped", passed: false },
    ],
    failures: [
      { name: "unmade.test.ts", message: expect.stringContaining("Cannot find module './missing.js'") },
      {
        name: "made.test.ts: a group > fails",
        message: expect.stringMatching(
          /^AssertionError: expected 1 to be 2[\s\S]*made\.test\.ts:5[\s\S]*- 2\n\+ 1$/,
        ),
      },
      {
        name: "made.test.ts: a group > hangs",
        message: expect.stringMatching(/^Test timed out in 10ms[\s\S]*made\.test\.ts:6/),
      },
    ],
  });
  expect(timed.map(({ name }) => name)).toEqual([
    "made.test.ts: before and after its tests",
    "made.test.ts: a group > passes with 1",
    "made.test.ts: a group > passes with 2",
    "made.test.ts: a group > fails",
    "made.test.ts: a group > hangs",
    "made.test.ts: is skipped",
    "unmade.test.ts: before and after its tests",
  ]);
});

test("a failure is told with both ends of its message", () => {
  const message = Array.from({ length: 9 }, (_, index) => `line ${index}`).join("\n");
  const failures = [
    { name: "a.test.ts: long", message },
    { name: "b.test.ts: short", message: "no\n" },
  ];
  expect(formatFailures(failures, 2)).toBe(
    "a.test.ts: long\n    line 0\n    line 1\n    …\n    line 7\n    line 8\n\nb.test.ts: short\n    no\n",
  );
});

test("the slowest stand first, with their seconds", () => {
  const timed = [3, 12.34, 0.06].map((elapsedSec) => ({ name: `t${elapsedSec}`, elapsedSec }));
  expect(formatSlowest(timed, 2)).toBe("   12.3 s  t12.34\n    3.0 s  t3\n");
});
