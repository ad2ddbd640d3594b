import { writeFile } from "node:fs/promises";
import { extname, resolve } from "node:path";
import { splitArgument } from "../analysis/compare/sides.js";
import { FalconError } from "../base/errors.js";
import { ExitCode } from "../base/exit-codes.js";
import { compareChart } from "../render/charts/compare.js";
import { createRenderer } from "../render/charts/render.js";
import { compareMarkdown } from "../render/markdown/compare.js";
import { compareText } from "../render/terminal/compare.js";
import { type CompareReport, writeComparison } from "../render/words/compare-report.js";
import { findRun } from "../run/find-run.js";
import { describeRecordWarning } from "../run/reader.js";
import { readRun } from "../run/run-data.js";
import { writeFailed } from "../run/writer.js";
import type { CommandIo } from "./io.js";
import { printJson } from "./print-json.js";

export interface CompareArgs {
  readonly sides: readonly string[];
  readonly results: string;
  readonly force: boolean;
  readonly markdown: boolean;
  readonly json: boolean;
  readonly chart?: string;
}

/** `falcon-exp compare A B …`: shows what differs, first in the environment, then in the values. Reads only the records. */
export async function run(io: CommandIo, args: CompareArgs): Promise<number> {
  const inputs = [];
  for (const argument of args.sides) {
    const { run: name, configuration } = splitArgument(argument);
    const { data, warnings } = await readRun(await findRun(name, args.results, io.cwd));
    for (const warning of warnings) {
      io.stderr.write(`warning: ${describeRecordWarning({ file: name, ...warning })}\n`);
    }
    inputs.push({ argument, data, configuration });
  }
  const report = writeComparison(inputs, { force: args.force });
  if (args.chart !== undefined) await writeChart(report, resolve(io.cwd, args.chart));
  if (args.json) printJson(io, report);
  else if (args.markdown) io.stdout.write(compareMarkdown(report));
  else io.stdout.write(`${compareText(report, io)}\n`);
  return ExitCode.ok;
}

async function writeChart(report: CompareReport, path: string): Promise<void> {
  const spec = compareChart(report);
  const ending = path.endsWith(".vl.json") ? ".vl.json" : extname(path).toLowerCase();
  let content: string | Uint8Array;
  if (ending === ".vl.json") content = `${JSON.stringify(spec, null, 2)}\n`;
  else if (ending === ".svg" || ending === ".png") {
    const { svg, png } = await (await createRenderer())(spec);
    content = ending === ".svg" ? svg : png;
  } else {
    throw new FalconError({
      code: "compare-chart-format",
      message: `${path} is not a chart format.`,
      next: "End its name in .png, .svg or .vl.json.",
      exitCode: ExitCode.usage,
    });
  }
  await writeFile(path, content).catch((cause: unknown) => {
    throw writeFailed(path, cause);
  });
}
