/**
 * A reporter for vitest: writes `VitestFile[]` as JSON to the file that FALCON_EXP_VITEST_REPORT names. vitest's own JSON
 * does not say how long a file's hooks took.
 */
import { writeFileSync } from "node:fs";
import { stripVTControlCharacters } from "node:util";
import type { TestError } from "vitest";
import type { Reporter, TestModule } from "vitest/node";
import type { VitestFile } from "./test-reports.js";

export default class VitestReport implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const files = modules.map((module): VitestFile => {
      const tests = Array.from(module.children.allTests(), (test) => ({
        title: test.name,
        full_name: test.fullName,
        state: test.result().state,
        elapsed_ms: test.diagnostic()?.duration ?? 0,
        errors: (test.result().errors ?? []).map(formatError),
      }));
      return {
        file: module.relativeModuleId,
        elapsed_ms: module.diagnostic().duration,
        errors: module.errors().map(formatError),
        tests,
      };
    });
    writeFileSync(process.env.FALCON_EXP_VITEST_REPORT ?? "vitest-report.json", JSON.stringify(files));
  }
}

/**
 * Most stacks begin with the message, but not that of a time-out. Only places in tests and sources help. A failed assertion has
 * its difference, too.
 */
function formatError({ stack, message, diff }: TestError): string {
  const text = stack === undefined ? message : stack.includes(message) ? stack : `${message}\n${stack}`;
  const lines = text.split("\n").filter((line) => !/^\s+at .*(?:node_modules|node:|<anonymous>)/.test(line));
  return stripVTControlCharacters([...lines, ...(diff === undefined ? [] : [diff])].join("\n"));
}
