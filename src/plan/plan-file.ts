import { parseJson } from "../base/json.js";
import { planSessionsInOrder } from "./load-sessions.js";
import { type Plan, planLineSchema } from "./plan-types.js";

/** `plan.jsonl`: the header, then every configuration, load session, trial and text; one JSON object per line. */
export function planText(plan: Plan): string {
  const lines = [plan.header, ...plan.configurations, ...plan.blocks, ...plan.trials, ...plan.texts];
  return lines.map((line) => `${JSON.stringify(line)}\n`).join("");
}

/** Reads `plan.jsonl`. Throws Error with the line's number if a line is not a valid line of a plan. */
export function parsePlan(text: string): Plan {
  const lines = text.split("\n").flatMap((line, index) => {
    if (line === "") return [];
    const checked = planLineSchema.safeParse(parseJson(line));
    if (checked.success) return [checked.data];
    throw new Error(`line ${index + 1} of the plan is not valid: ${checked.error.message}`);
  });
  const header = lines.find((line) => line.kind === "plan");
  if (header === undefined) throw new Error("the plan has no header line");
  const configurations = lines.filter((line) => line.kind === "configuration");
  const blocks = lines.filter((line) => line.kind === "block");
  return {
    header,
    configurations,
    // Plans made before there were rounds run each configuration once, in order.
    blocks: blocks.length > 0 ? blocks : planSessionsInOrder(configurations.map(({ worker }) => worker.id)),
    trials: lines.filter((line) => line.kind === "trial"),
    texts: lines.filter((line) => line.kind === "text"),
  };
}
