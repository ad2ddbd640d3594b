/**
 * `npm test`: checks everything that must hold before a change is accepted. The checks that fail fastest come first, and checks
 * run side by side where possible.
 *
 * Ends with how many faults of docs/reliability.md were survived, how long each step took, each failed test with its message,
 * and the line `N passed, N failed`: every test counts, and every check that is not a test counts as one. Skipped tests are printed with
 * their reasons; with CI set, a skip is a failure, unless the test is marked `gpu` and there is no GPU. With CI set,
 * registries are also asked for known vulnerabilities. Exits 1 if anything failed.
 */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { prepareDevPython } from "./dev-python.js";
import { readMatrix, survivedFaults } from "./fault-matrix.js";
import { prepareNodeLts } from "./node-lts.js";
import { countOne, type Outcome, runCommand, runSideBySide, type Step, type StepResult } from "./steps.js";
import {
  formatFailures,
  formatSlowest,
  readPytestReport,
  readVitestReport,
  type TestReport,
} from "./test-reports.js";

type Env = Readonly<Record<string, string>>;

const root = join(import.meta.dirname, "..");
const pythonFolder = join(root, "python");
const scratch = mkdtempSync(join(tmpdir(), "falcon-exp-check-"));
/** Paths in the folder of the Python package. These tests kill trial processes, like vitest's project "killed trials". */
const KILLED_TRIALS = ["endings", "spawned_trials", "supervisor", "trial_children"].map(
  (name) => `tests/test_${name}.py`,
);
const inCi = process.env.CI !== undefined && process.env.CI !== "";

function check(name: string, file: string, args: readonly string[], env: Env = {}, cwd = root): Step {
  return { name, run: async (say) => countOne(await runCommand(say, file, args, { cwd, env })) };
}

function vitest(name: string, projects: readonly string[], env: Env): Step {
  const report = join(scratch, `${name}.json`);
  const chosen = projects.flatMap((project) => ["--project", project]);
  const args = ["run", ...chosen, "--reporter=default", "--reporter=./scripts/vitest-report.ts"];
  return {
    name,
    run: async (say) => {
      const options = { cwd: root, env: { ...env, FALCON_EXP_VITEST_REPORT: report } };
      const ok = await runCommand(say, "vitest", args, options);
      const read = readVitestReport(readFileSync(report, "utf8"));
      say(sayHowSlow(read));
      return failUnless(ok, read.outcome);
    },
  };
}

function pytest(name: string, python: string, chosen: readonly string[], env: Env): Step {
  const report = join(scratch, `${name}.xml`);
  return {
    name,
    run: async (say) => {
      const args = ["-m", "pytest", `--junitxml=${report}`, ...chosen];
      const ok = await runCommand(say, python, args, { cwd: pythonFolder, env });
      const read = readPytestReport(readFileSync(report, "utf8"));
      say(sayHowSlow(read));
      return failUnless(ok, read.outcome);
    },
  };
}

const sayHowSlow = ({ timed }: TestReport) => `the ten slowest:\n${formatSlowest(timed)}`;

/** Counts at least one failure if the command failed, because a file that cannot be loaded has no failed test. */
function failUnless(ok: boolean, outcome: Outcome): Outcome {
  return { ...outcome, failed: Math.max(outcome.failed, ok ? 0 : 1) };
}

async function main(): Promise<number> {
  const results: StepResult[] = [];
  const write = (text: string) => void process.stdout.write(text);
  const together = async (steps: readonly Step[], limit = Math.max(2, availableParallelism())) => {
    results.push(...(await runSideBySide(steps, { limit, skipsFail: inCi, write })));
  };

  await together([
    check("build", "npm", ["run", "--silent", "build"]),
    check("format and lint (biome)", "biome", ["ci", "."]),
    check("import order", "depcruise", ["--config", ".dependency-cruiser.cjs", "src"]),
    check("generated schemas and tables are current", "tsx", ["scripts/generate-schemas.ts", "--check"]),
    check("audit of dependencies: locks", "tsx", ["scripts/audit.ts", "--locks-only"]),
  ]);
  let python: Awaited<ReturnType<typeof prepareDevPython>> | null = null;
  await together([
    check("package contents", "tsx", ["scripts/check-package.ts"]),
    {
      name: "the newest long-term Node",
      run: async () => {
        await prepareNodeLts(root);
        return countOne(true);
      },
    },
    {
      name: "Python environment",
      run: async () => {
        python = await prepareDevPython(root);
        return countOne(true);
      },
    },
  ]);
  if (python !== null) {
    const { interpreter, builtinModel, home } = python as Awaited<ReturnType<typeof prepareDevPython>>;
    const env = {
      FALCON_EXP_TEST_PYTHON: interpreter,
      FALCON_EXP_TEST_MODEL: builtinModel,
      FALCON_EXP_HOME: home,
    };
    const tool = (name: string, ...args: string[]) =>
      check(name, interpreter, ["-m", ...args], {}, pythonFolder);
    // The Python of the benches is outside that folder, but follows the same rules.
    const linted = ["--config", "pyproject.toml", ".", "../bench"];
    await together([
      check("types (tsc)", "tsc", ["--noEmit", "-p", "tsconfig.json"]),
      check("types of the page (tsc)", "tsc", ["--noEmit", "-p", "web/tsconfig.json"]),
      tool("Python types (mypy)", "mypy"),
      tool("Python format (ruff)", "ruff", "format", "--check", ...linted),
      tool("Python lint (ruff)", "ruff", "check", ...linted),
    ]);
    const advisories = check(
      "audit of dependencies: known vulnerabilities, as far as they can be asked",
      "tsx",
      ["scripts/audit.ts", "--locks-suffice"],
      env,
    );
    const outOfMemory = vitest("TypeScript tests in which memory runs out (vitest)", ["out of memory"], env);
    const unlessKilled = KILLED_TRIALS.map((file) => `--ignore=${file}`);
    // All of these spend much of their time waiting for processes, Slurm or registries. A trial process that is killed
    // while the kernel kills another one would seem to have run out of memory.
    const tests: readonly Step[] = [
      outOfMemory,
      pytest("Python tests (pytest)", interpreter, unlessKilled, env),
      vitest("TypeScript tests with the real worker (vitest)", ["real worker"], env),
      vitest("all other TypeScript tests (vitest)", ["shared modules", "all others"], env),
      {
        ...pytest("Python tests that kill trial processes (pytest)", interpreter, KILLED_TRIALS, env),
        after: outOfMemory,
      },
      {
        ...vitest("TypeScript tests that kill trial processes (vitest)", ["killed trials"], env),
        after: outOfMemory,
      },
      // A step of its own, so that the lane of those before is busy to the end.
      vitest("TypeScript tests with real models (vitest)", ["real models"], env),
      ...(inCi ? [advisories] : []),
    ];
    await together(tests, 4);
  }
  await together([
    {
      name: "faults (docs/reliability.md)",
      run: async (say) => {
        const rows = readMatrix(readFileSync(join(root, "docs", "reliability.md"), "utf8"));
        const tests = results.flatMap((result) => result.tests ?? []);
        const survived = new Set(survivedFaults(rows, tests));
        for (const row of rows) if (!survived.has(row)) say(`not survived: ${row.fault}\n`);
        say(`${survived.size} of ${rows.length} faults survived\n`);
        return countOne(survived.size === rows.length);
      },
    },
  ]);
  write("\n── seconds\n");
  for (const { name, elapsedSec } of results) write(`${elapsedSec.toFixed(1).padStart(7)} s  ${name}\n`);
  const failures = results.flatMap((result) => result.failures ?? []);
  if (failures.length > 0) write(`\n── failed tests\n${formatFailures(failures)}`);
  const failedSteps = results.filter(({ failed }) => failed > 0).map(({ name }) => name);
  if (failedSteps.length > 0) write(`\nfailed: ${failedSteps.join(", ")}\n`);
  const sum = (key: "passed" | "failed") => results.reduce((total, result) => total + result[key], 0);
  write(`\n${sum("passed")} passed, ${sum("failed")} failed\n`);
  return failedSteps.length === 0 ? 0 : 1;
}

try {
  process.exitCode = await main();
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
