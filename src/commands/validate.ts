import pc from "picocolors";
import { FalconError, FalconErrorList } from "../base/errors.js";
import { ExitCode } from "../base/exit-codes.js";
import { pluralize } from "../base/text.js";
import type { CommandIo } from "./io.js";
import { warnOfMissingFolders } from "./judge-plan.js";
import { loadPlan } from "./load-plan.js";
import { printJson } from "./print-json.js";

export interface ValidateArgs {
  readonly file: string;
  readonly set: readonly string[];
  readonly json: boolean;
}

/** `falcon-exp validate`: says whether the file can be planned, and lists every problem if it cannot. */
export async function run(io: CommandIo, args: ValidateArgs): Promise<number> {
  try {
    const { plan } = await loadPlan(io, args);
    warnOfMissingFolders(io, plan);
    const { experiment, configurations, trials } = plan.header;
    if (args.json) printJson(io, { valid: true, experiment, configurations, trials, problems: [] });
    else {
      const counts = `${pluralize(configurations, "configuration")}, ${pluralize(trials, "trial")}`;
      io.stdout.write(`${pc.createColors(io.color).green("valid")}: ${args.file} (${counts})\n`);
    }
    return ExitCode.ok;
  } catch (error) {
    if (!args.json || !(error instanceof FalconError)) throw error;
    const errors = error instanceof FalconErrorList ? error.errors : [error];
    const problems = errors.map(({ code, message, next, place }) => ({
      code,
      message,
      next,
      file: place?.source ?? null,
      line: place?.line ?? null,
      column: place?.column ?? null,
    }));
    printJson(io, { valid: false, experiment: null, configurations: null, trials: null, problems });
    return error.exitCode ?? ExitCode.invalidExperiment;
  }
}
