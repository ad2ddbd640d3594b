import { type Plan, type PlanConfiguration, type PlanTrial, planLineSchema } from "./plan-types.js";

/** `plan.jsonl`: the header, then every configuration, then every trial; one JSON object a line. */
export function planText(plan: Plan): string {
  const lines = [plan.header, ...plan.configurations, ...plan.trials];
  return lines.map((line) => `${JSON.stringify(line)}\n`).join("");
}

/** Reads `plan.jsonl`. Throws Error with the line's number where a line is not one of a plan. */
export function parsePlan(text: string): Plan {
  let header: Plan["header"] | null = null;
  const configurations: PlanConfiguration[] = [];
  const trials: PlanTrial[] = [];
  for (const [index, line] of text.split("\n").entries()) {
    if (line === "") continue;
    const checked = planLineSchema.safeParse(parseJson(line));
    if (!checked.success)
      throw new Error(`line ${index + 1} of the plan is not valid: ${checked.error.message}`);
    if (checked.data.kind === "plan") header = checked.data;
    else if (checked.data.kind === "configuration") configurations.push(checked.data);
    else trials.push(checked.data);
  }
  if (header === null) throw new Error("the plan has no header line");
  return { header, configurations, trials };
}

function parseJson(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}
