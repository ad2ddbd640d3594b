/** Draws a run from its records, and prints what is read of it: the same whoever measured it. */
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
  /** summary.json instead of what a person reads. */
  readonly json: boolean;
  readonly picture?: PictureKind | "auto";
  /** Answers first, where there are few. */
  readonly answers?: boolean;
  /** What was loaded ahead to draw with. */
  readonly drawing?: ReturnType<typeof loadDrawing> | null;
}

/** Returns what was recorded. Throws what `writeReport` does. */
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
