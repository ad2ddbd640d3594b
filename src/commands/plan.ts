import { ExitCode } from "../base/exit-codes.js";
import type { CommandIo } from "./io.js";
import { loadPlan } from "./load-plan.js";
import { planTable } from "./plan-table.js";
import { printJson } from "./print-json.js";

export interface PlanArgs {
  readonly file: string;
  readonly set: readonly string[];
  readonly json: boolean;
}

/** `falcon-exp plan`: shows what would run. With `--json`: `{header, configurations, trials}`, as in plan.jsonl. */
export async function run(io: CommandIo, args: PlanArgs): Promise<number> {
  const { plan } = await loadPlan(io, args);
  if (args.json) printJson(io, plan);
  else io.stdout.write(`${planTable(plan, io)}\n`);
  return ExitCode.ok;
}
