/**
 * `npm test`: everything that must hold before a change is taken, in the order of how fast it fails.
 *
 * Ends with how many faults of docs/reliability.md were survived, and the line `N passed, N failed`: every test counts, and
 * every check that is no test counts as one. What is skipped is printed with its reason; with CI set, a skip is a failure,
 * save that of a test for which there is no GPU. Exits 1 when anything failed.
 */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { execa } from "execa";
import { prepareDevPython } from "./dev-python.js";
import { readMatrix, survivedFaults, type TestOutcome } from "./fault-matrix.js";

interface Outcome {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: readonly string[];
  /** Test by test, where the step says so. */
  readonly tests?: readonly TestOutcome[];
}

type Step = () => Promise<Outcome>;

/** How python/tests/gpu begins the reason of a test that it skips. */
const NO_GPU = "no GPU: ";

const root = join(import.meta.dirname, "..");
const scratch = mkdtempSync(join(tmpdir(), "falcon-exp-check-"));
const inCi = process.env.CI !== undefined && process.env.CI !== "";

/** Runs a command with its output shown; says whether it exited with 0. */
async function shown(file: string, args: readonly string[], env: Record<string, string> = {}, cwd = root) {
  const { failed } = await execa(file, [...args], {
    cwd,
    env,
    stdio: "inherit",
    reject: false,
    preferLocal: true,
  });
  return !failed;
}

const check =
  (file: string, args: readonly string[], env: Record<string, string> = {}, cwd = root): Step =>
  async () =>
    (await shown(file, args, env, cwd)) ? one(true) : one(false);

function one(ok: boolean): Outcome {
  return { passed: ok ? 1 : 0, failed: ok ? 0 : 1, skipped: [] };
}

function vitest(env: Record<string, string>): Step {
  return async () => {
    const report = join(scratch, "vitest.json");
    const reporters = ["--reporter=default", "--reporter=json", `--outputFile.json=${report}`];
    const ok = await shown("vitest", ["run", ...reporters], env);
    const result = JSON.parse(readFileSync(report, "utf8")) as {
      numPassedTests: number;
      numFailedTests: number;
      testResults: {
        name: string;
        assertionResults: { status: string; title: string; fullName: string }[];
      }[];
    };
    const tests = result.testResults.flatMap(({ name, assertionResults }) =>
      assertionResults.map((test) => ({ ...test, file: relative(root, name) })),
    );
    const skipped = tests.filter(({ status }) => status !== "passed" && status !== "failed");
    // A file that cannot be loaded has no failed test, and fails all the same.
    const failed = Math.max(result.numFailedTests, ok ? 0 : 1);
    return {
      passed: result.numPassedTests,
      failed,
      skipped: skipped.map(({ fullName }) => fullName),
      tests: tests.map(({ file, title, status }) => ({ file, name: title, passed: status === "passed" })),
    };
  };
}

function pytest(python: string, env: Record<string, string>): Step {
  return async () => {
    const report = join(scratch, "pytest.xml");
    const args = ["-m", "pytest", `--junitxml=${report}`];
    const ok = await shown(python, args, env, join(root, "python"));
    const xml = readFileSync(report, "utf8");
    const count = (name: string) =>
      Number(new RegExp(`<testsuite [^>]*\\b${name}="(\\d+)"`).exec(xml)?.[1] ?? 0);
    const failed = Math.max(count("failures") + count("errors"), ok ? 0 : 1);
    const skipped = Array.from(
      xml.matchAll(/<skipped [^>]*message="([^"]*)"/g),
      ([, reason]) => reason ?? "",
    );
    const passed = count("tests") - count("failures") - count("errors") - skipped.length;
    return { passed, failed, skipped, tests: parseJunit(xml) };
  };
}

/** A parametrized test is many of one name, which stands before the bracket. */
function parseJunit(junit: string): readonly TestOutcome[] {
  const cases = junit.matchAll(
    /<testcase classname="([^"]*)" name="([^"[]*)[^>]*?(\/>|>[\s\S]*?<\/testcase>)/g,
  );
  return Array.from(cases, ([, module = "", name = "", inner = ""]) => ({
    file: `python/${module.replaceAll(".", "/")}.py`,
    name,
    passed: !/<(failure|error|skipped)\b/.test(inner),
  }));
}

async function main(): Promise<number> {
  const total = { passed: 0, failed: 0 };
  const tests: TestOutcome[] = [];
  const failures: string[] = [];
  const run = async (name: string, step: Step) => {
    process.stdout.write(`\n── ${name}\n`);
    const started = process.hrtime.bigint();
    let outcome: Outcome;
    try {
      outcome = await step();
    } catch (error) {
      process.stdout.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
      outcome = one(false);
    }
    for (const reason of outcome.skipped) process.stdout.write(`skipped: ${reason}\n`);
    const unexcused = outcome.skipped.filter((reason) => !reason.startsWith(NO_GPU));
    const failed = outcome.failed + (inCi ? unexcused.length : 0);
    total.passed += outcome.passed;
    tests.push(...(outcome.tests ?? []));
    total.failed += failed;
    if (failed > 0) failures.push(name);
    const seconds = Number(process.hrtime.bigint() - started) / 1e9;
    process.stdout.write(`   ${failed === 0 ? "ok" : "FAILED"} (${seconds.toFixed(0)} s)\n`);
    return failed === 0;
  };

  await run("format and lint (biome)", check("biome", ["ci", "."]));
  await run("types (tsc)", check("tsc", ["--noEmit", "-p", "tsconfig.json"]));
  await run("types of the page (tsc)", check("tsc", ["--noEmit", "-p", "web/tsconfig.json"]));
  await run("import order", check("depcruise", ["--config", ".dependency-cruiser.cjs", "src"]));
  await run(
    "generated schemas and tables are current",
    check("tsx", ["scripts/generate-schemas.ts", "--check"]),
  );
  await run("build", check("npm", ["run", "--silent", "build"]));
  await run("package contents", check("tsx", ["scripts/check-package.ts"]));
  let python: Awaited<ReturnType<typeof prepareDevPython>> | null = null;
  await run("Python environment", async () => {
    python = await prepareDevPython(root);
    return one(true);
  });
  if (python !== null) {
    const { interpreter, builtinModel, home } = python as Awaited<ReturnType<typeof prepareDevPython>>;
    const env = {
      FALCON_EXP_TEST_PYTHON: interpreter,
      FALCON_EXP_TEST_MODEL: builtinModel,
      FALCON_EXP_HOME: home,
    };
    await run(
      "audit of dependencies: locks, and known vulnerabilities as far as they can be asked",
      check("tsx", ["scripts/audit.ts", "--locks-suffice"], env),
    );
    const folder = join(root, "python");
    const tool = (...args: string[]) => check(interpreter, ["-m", ...args], {}, folder);
    await run("Python format (ruff)", tool("ruff", "format", "--check", "."));
    await run("Python lint (ruff)", tool("ruff", "check", "."));
    await run("Python types (mypy)", tool("mypy"));
    await run("Python tests (pytest)", pytest(interpreter, env));
    await run("TypeScript tests (vitest)", vitest(env));
  }
  await run("faults (docs/reliability.md)", async () => {
    const rows = readMatrix(readFileSync(join(root, "docs", "reliability.md"), "utf8"));
    const survived = new Set(survivedFaults(rows, tests));
    for (const row of rows) if (!survived.has(row)) process.stdout.write(`not survived: ${row.fault}\n`);
    process.stdout.write(`${survived.size} of ${rows.length} faults survived\n`);
    return one(survived.size === rows.length);
  });
  if (failures.length > 0) process.stdout.write(`\nfailed: ${failures.join(", ")}\n`);
  process.stdout.write(`\n${total.passed} passed, ${total.failed} failed\n`);
  return total.failed === 0 ? 0 : 1;
}

try {
  process.exitCode = await main();
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
