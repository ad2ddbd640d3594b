import { ExitCode } from "../base/exit-codes.js";
import { freezeExperiment } from "./freeze-experiment.js";
import type { CommandIo } from "./io.js";
import { warnOfMissingFolders } from "./judge-plan.js";
import { loadPlan } from "./load-plan.js";
import { memoryArgument } from "./memory-argument.js";
import { planTable } from "./plan-table.js";
import { printJson } from "./print-json.js";

export interface PlanArgs {
  readonly file: string;
  readonly set: readonly string[];
  readonly estimate: boolean;
  readonly freeze: boolean;
  readonly memory: readonly string[];
  readonly python?: string;
  readonly results: string;
  readonly json: boolean;
}

/**
 * `falcon-exp plan`: shows what would run. With `--json`: `{header, configurations, blocks, trials, texts}`, as in
 * plan.jsonl. With `--estimate` also shows what it will take; only that needs Python.
 */
export async function run(io: CommandIo, args: PlanArgs): Promise<number> {
  if (args.freeze) {
    const { folder } = await freezeExperiment(io, args);
    if (args.json) printJson(io, { schema_version: 1, run: folder });
    else io.stdout.write(`${folder}\n`);
    return ExitCode.ok;
  }
  const { plan } = await loadPlan(io, args);
  warnOfMissingFolders(io, plan);
  if (!args.estimate) {
    if (args.json) printJson(io, plan);
    else io.stdout.write(`${planTable(plan, io)}\n`);
    return ExitCode.ok;
  }
  const memory = args.memory.map(memoryArgument);
  const { estimatePlan } = await import("./estimate-plan.js");
  const estimates = await estimatePlan(io, plan, {
    python: args.python || null,
    results: args.results,
    memory,
  });
  if (args.json) printJson(io, { ...plan, estimates });
  else {
    const { estimateTable } = await import("./estimate-table.js");
    io.stdout.write(`${planTable(plan, io)}\n\n${estimateTable(estimates, io)}\n`);
  }
  return ExitCode.ok;
}
