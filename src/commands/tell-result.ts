/** What comes after the measuring: files are drawn from the records, and people are told. Loaded when there is time for it. */

import { type Drawing, loadDrawing } from "../render/charts/write-charts.js";
import { answersText, hasFewAnswers } from "../render/terminal/answers-terminal.js";
import { writeReport } from "../render/write-report.js";
import type { RunPaths } from "../run/paths.js";
import type { RunData } from "../run/run-data.js";
import type { CommandIo } from "./io.js";
import { printJson } from "./print-json.js";
import { printResult } from "./print-result.js";

export { judgeRun } from "./judge-run.js";
export { loadDrawing };

/** Returns what was recorded. Throws what `writeReport` does. */
export async function tellResult(
  io: CommandIo,
  paths: RunPaths,
  { json, drawing }: { readonly json: boolean; readonly drawing: Promise<Drawing> | null },
): Promise<RunData> {
  const { summary, data, warnings } = await writeReport(paths, drawing ?? loadDrawing());
  for (const warning of warnings) io.stderr.write(`warning: ${warning}\n`);
  if (json) printJson(io, summary);
  else {
    if (hasFewAnswers(data)) io.stdout.write(`${answersText(data, io)}\n\n`);
    await printResult(io, { data, summary, paths }, io.stdoutIsTty ? "auto" : "none");
  }
  return data;
}
