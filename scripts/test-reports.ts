/** Reads what the two test runners report about their tests. */
import type { TestOutcome } from "./fault-matrix.js";
import type { Failure, Outcome } from "./steps.js";

export interface TimedTest {
  readonly name: string;
  readonly elapsedSec: number;
}

export interface TestReport {
  readonly outcome: Outcome;
  /** The time of every test, and of what each file did before and after its tests. */
  readonly timed: readonly TimedTest[];
}

/** What scripts/vitest-report.ts writes about a test file. */
export interface VitestFile {
  /** Relative to the repository. */
  readonly file: string;
  /** Including its hooks. */
  readonly elapsed_ms: number;
  /** Why the file could not be run. */
  readonly errors: readonly string[];
  readonly tests: readonly {
    readonly title: string;
    readonly full_name: string;
    readonly state: "passed" | "failed" | "skipped" | "pending";
    readonly elapsed_ms: number;
    readonly errors: readonly string[];
  }[];
}

export function readVitestReport(json: string): TestReport {
  const files = JSON.parse(json) as readonly VitestFile[];
  const tests = files.flatMap((file) => file.tests.map((test) => ({ ...test, file: file.file })));
  const countState = (wanted: string) => tests.filter(({ state }) => state === wanted).length;
  const timed = files.flatMap(({ file, elapsed_ms, tests: own }): TimedTest[] => {
    const inTestsMs = own.reduce((sum, test) => sum + test.elapsed_ms, 0);
    return [
      { name: `${file}: before and after its tests`, elapsedSec: Math.max(0, elapsed_ms - inTestsMs) / 1000 },
      ...own.map((test) => ({ name: `${file}: ${test.full_name}`, elapsedSec: test.elapsed_ms / 1000 })),
    ];
  });
  return {
    outcome: {
      passed: countState("passed"),
      failed: countState("failed"),
      skipped: tests
        .filter(({ state }) => state !== "passed" && state !== "failed")
        .map(({ file, full_name }) => `${file}: ${full_name}`),
      tests: tests.map(({ file, title, state }) => ({ file, name: title, passed: state === "passed" })),
      failures: [
        ...files.map(({ file, errors }) => ({ name: file, errors })),
        ...tests.map(({ file, full_name, errors }) => ({ name: `${file}: ${full_name}`, errors })),
      ].flatMap(({ name, errors }): Failure[] =>
        errors.length === 0 ? [] : [{ name, message: errors.join("\n\n") }],
      ),
    },
    timed,
  };
}

/** How the reason begins with which a test marked `gpu` is skipped (python/tests/gpu). */
const NO_GPU = "no GPU: ";

/** Reads pytest's JUnit XML. A test marked `gpu` that was skipped because there is no GPU is excused. */
export function readPytestReport(xml: string): TestReport {
  const cases = Array.from(xml.matchAll(/<testcase ([^>]*?)(?:\/>|>([\s\S]*?)<\/testcase>)/g), readCase);
  const skipped = cases.filter(({ skippedFor }) => skippedFor !== null);
  return {
    outcome: {
      passed: cases.filter(({ test }) => test.passed).length,
      failed: cases.filter(({ test, skippedFor }) => !test.passed && skippedFor === null).length,
      skipped: skipped.map(({ name, skippedFor }) => `${name}: ${skippedFor}`),
      excused: skipped.filter(({ isForGpu, skippedFor }) => isForGpu && skippedFor?.startsWith(NO_GPU))
        .length,
      tests: cases.map(({ test }) => test),
      failures: cases.flatMap(({ name, failure }) => (failure === null ? [] : [{ name, message: failure }])),
    },
    timed: cases.map(({ name, elapsedSec }) => ({ name, elapsedSec })),
  };
}

function readCase([, attributes = "", inner = ""]: RegExpMatchArray) {
  const attribute = (name: string, of = attributes) =>
    unescapeXml(new RegExp(`(?:^|\\s)${name}="([^"]*)"`).exec(of)?.[1] ?? "");
  const file = `python/${attribute("classname").replaceAll(".", "/")}.py`;
  const [, skip] = /<skipped ([^>]*)/.exec(inner) ?? [];
  const [, failure] = /<(?:failure|error)\b[^>]*>([^<]*)/.exec(inner) ?? [];
  // A parametrized test appears several times under the same name, which comes before the bracket.
  const [title = ""] = attribute("name").split("[");
  const test: TestOutcome = { file, name: title, passed: !/<(failure|error|skipped)\b/.test(inner) };
  return {
    test,
    name: `${file}: ${attribute("name")}`,
    elapsedSec: Number(attribute("time")),
    skippedFor: skip === undefined ? null : attribute("message", skip),
    failure: failure === undefined ? null : unescapeXml(failure),
    // python/tests/conftest.py writes this property for each test with the mark.
    isForGpu: /<property name="needs" value="gpu"/.test(inner),
  };
}

function unescapeXml(text: string): string {
  const entities: Readonly<Record<string, string>> = { lt: "<", gt: ">", quot: '"', apos: "'", amp: "&" };
  return text.replaceAll(/&(lt|gt|quot|apos|amp);/g, (whole, name: string) => entities[name] ?? whole);
}

/** Names each failed test with its message, of which the middle is left out if it is long. */
export function formatFailures(failures: readonly Failure[], linesOfEachEnd = 12): string {
  const texts = failures.map(({ name, message }) => {
    const lines = message.trimEnd().split("\n");
    const isLong = lines.length > 2 * linesOfEachEnd + 1;
    const shown = isLong ? [...lines.slice(0, linesOfEachEnd), "…", ...lines.slice(-linesOfEachEnd)] : lines;
    return `${name}\n${shown.map((line) => `    ${line}`).join("\n")}\n`;
  });
  return texts.join("\n");
}

/** The slowest tests first, one per line. */
export function formatSlowest(timed: readonly TimedTest[], count = 10): string {
  const slowest = timed.toSorted((a, b) => b.elapsedSec - a.elapsedSec).slice(0, count);
  return slowest.map(({ name, elapsedSec }) => `${elapsedSec.toFixed(1).padStart(7)} s  ${name}\n`).join("");
}
