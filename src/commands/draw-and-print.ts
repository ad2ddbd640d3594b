/** Draws a run from its records and prints its result, in the same way whoever measured it. */
import { loadDrawing } from "../render/charts/write-charts.js";
import { answersText, hasFewAnswers } from "../render/terminal/answers-terminal.js";
import type { PictureKind } from "../render/terminal/picture/picture-kind.js";
import { writeReport } from "../render/write-report.js";
import type { RunPaths } from "../run/paths.js";
import type { RunData } from "../run/run-data.js";
import type { CommandIo } from "./io.js";
import { printJson } from "./print-json.js";
import { printResult } from "./print-result.js";

export interface PrintOptions {
  /** Print summary.json instead of text for people. */
  readonly json: boolean;
  readonly picture?: PictureKind | "auto";
  /** Print the answers first, if there are few. */
  readonly answers?: boolean;
  /** What is needed for drawing, if it was loaded ahead. */
  readonly drawing?: ReturnType<typeof loadDrawing> | null;
}

/** Returns what was recorded. Throws what `writeReport` throws. */
export async function drawAndPrint(
  io: CommandIo,
  paths: RunPaths,
  { json, picture = "none", answers = false, drawing = null }: PrintOptions,
): Promise<RunData> {
  const { summary, data, warnings } = await writeReport(paths, drawing ?? loadDrawing());
  for (const warning of warnings) io.stderr.write(`warning: ${warning}\n`);
  if (json) {
    printJson(io, summary);
    return data;
  }
  if (answers && hasFewAnswers(data)) io.stdout.write(`${answersText(data, io)}\n\n`);
  await printResult(io, { data, summary, paths }, picture);
  return data;
}
