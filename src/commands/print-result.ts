import { asCalled } from "../base/as-called.js";
import { wrapText } from "../base/text.js";
import { pickShown } from "../render/shown-part.js";
import { overviewPicture, type PicturedRun } from "../render/terminal/picture/picture.js";
import {
  canShowBlocks,
  detectPictureKind,
  type PictureKind,
} from "../render/terminal/picture/picture-kind.js";
import { resultTable } from "../render/terminal/terminal-table.js";
import type { RunSummary } from "../run/summary-schema.js";
import type { CommandIo } from "./io.js";

/** Prints a run for people, in the same way at its end, in `report` and in `show`: table, verdicts, picture, and its folder. */
export async function printResult(
  io: CommandIo,
  run: PicturedRun,
  picture: PictureKind | "auto" = "none",
): Promise<void> {
  const kind = picture === "auto" ? detectPictureKind(io.env, io.stdoutIsTty) : picture;
  const { data, summary: shown, note } = pickShown(run.data, run.summary);
  const summary = withCalledHints(shown, io.program);
  const style = { columns: io.columns, color: io.color, blocks: canShowBlocks(io.env) };
  const drawn = await overviewPicture({ ...run, data, summary: shown }, kind, style);
  io.stdout.write(`${resultTable(summary, io)}\n\n`);
  if (note !== null) io.stdout.write(`${wrapText(note, io.columns).join("\n")}\n\n`);
  if (drawn !== "") io.stdout.write(`${drawn}\n\n`);
  io.stdout.write(`Results: ${run.paths.folder}\n`);
}

/** Records keep hints with the program's own name; here it is replaced with the one that the user calls it by. */
function withCalledHints(summary: RunSummary, program: string): RunSummary {
  const configurations = summary.configurations.map((one) => {
    const { failure } = one;
    return failure === null
      ? one
      : { ...one, failure: { ...failure, next: asCalled(failure.next, program) } };
  });
  return { ...summary, configurations };
}
