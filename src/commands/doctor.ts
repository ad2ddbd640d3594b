import { join } from "node:path";
import pc from "picocolors";
import { asCalled } from "../base/as-called.js";
import { ExitCode } from "../base/exit-codes.js";
import { packageRoot } from "../base/program.js";
import { safeLine, wrapText } from "../base/text.js";
import { resolveHome } from "../python-env/home.js";
import { type DoctorReport, examine } from "./doctor-report.js";
import type { CommandIo } from "./io.js";
import { printJson } from "./print-json.js";

export interface DoctorArgs {
  /** A lab's own interpreter; an empty FALCON_EXP_PYTHON counts as none. */
  readonly python?: string;
  readonly json: boolean;
}

/** `falcon-exp doctor`: prints what this machine can run, and what is missing. Exits with `setupFailed` if nothing can run. */
export async function run(io: CommandIo, args: DoctorArgs): Promise<number> {
  const report = await examine({
    home: resolveHome(io.env, process.platform),
    pythonPath: join(packageRoot(), "python"),
    python: args.python || null,
    env: io.env,
  });
  if (args.json) printJson(io, report);
  else io.stdout.write(`${formatReport(report, io)}\n`);
  return report.can_run ? ExitCode.ok : ExitCode.setupFailed;
}

const WHAT_WIDTH = 21;

function formatReport(report: DoctorReport, io: CommandIo): string {
  const colors = pc.createColors(io.color);
  const lines = report.findings.flatMap(({ what, ok, detail, next }) => {
    const mark = ok ? colors.green("ok     ") : colors.red("problem");
    const room = Math.max(20, io.columns - WHAT_WIDTH - 9);
    const [first = "", ...rest] = wrapText(safeLine(detail), room);
    const indent = " ".repeat(WHAT_WIDTH + 9);
    const step = next === null ? [] : wrapText(`next: ${asCalled(safeLine(next), io.program)}`, room);
    return [
      `${mark} ${what.padEnd(WHAT_WIDTH)} ${first}`,
      ...[...rest, ...step].map((line) => indent + line),
    ];
  });
  const packages = Object.entries(report.packages ?? {}).map(
    ([name, version]) => `${name} ${version ?? "-"}`,
  );
  if (packages.length > 0) lines.push("", ...wrapText(packages.join(", "), io.columns));
  const verdict = report.can_run
    ? colors.green("This machine can run experiments.")
    : colors.red("This machine cannot run experiments yet.");
  return [...lines, "", verdict].join("\n");
}
