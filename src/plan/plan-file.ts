import { canonicalJson, parseJson } from "../base/json.js";
import { planSessionsInOrder } from "./load-sessions.js";
import {
  PLAN_SCHEMA_VERSION,
  type Plan,
  type PlanPrompt,
  type PlanTrial,
  type PlanTrialLine,
  planLineSchema,
} from "./plan-types.js";

/** `plan.jsonl`: the header, then every configuration, load session, prompt, trial and text; one JSON object per line. */
export function planText({ header, configurations, blocks, trials, texts }: Plan): string {
  const prompts = listPrompts(trials);
  // A trial names its prompt by its index: whatever the number of configurations and repeats, the text stands here once.
  const named = trials.map(({ prompt: _, ...trial }) => trial);
  const lines = [header, ...configurations, ...blocks, ...prompts, ...named, ...texts];
  return lines.map((line) => `${JSON.stringify(line)}\n`).join("");
}

function listPrompts(trials: readonly PlanTrial[]): readonly PlanPrompt[] {
  const prompts = new Map<number, PlanTrial["prompt"]>();
  for (const { id, prompt_index, prompt } of trials) {
    const known = prompts.get(prompt_index) ?? prompt;
    if (known !== prompt && canonicalJson(known) !== canonicalJson(prompt)) {
      throw new Error(`the trial ${id} has another prompt than other trials of prompt ${prompt_index}`);
    }
    prompts.set(prompt_index, prompt);
  }
  return [...prompts].map(([prompt_index, prompt]) => ({
    schema_version: PLAN_SCHEMA_VERSION,
    kind: "prompt",
    prompt_index,
    prompt,
  }));
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
  const prompts = new Map(
    lines.flatMap((line) => (line.kind === "prompt" ? [[line.prompt_index, line.prompt] as const] : [])),
  );
  const blocks = lines.filter((line) => line.kind === "block");
  return {
    header,
    configurations,
    // Plans made before there were rounds run each configuration once, in order.
    blocks: blocks.length > 0 ? blocks : planSessionsInOrder(configurations.map(({ worker }) => worker.id)),
    trials: lines.filter((line) => line.kind === "trial").map((line) => withPrompt(line, prompts)),
    texts: lines.filter((line) => line.kind === "text"),
  };
}

/** Throws Error if the plan lacks the trial's prompt. */
function withPrompt(
  { prompt, ...trial }: PlanTrialLine,
  prompts: ReadonlyMap<number, PlanTrial["prompt"]>,
): PlanTrial {
  const found = prompt ?? prompts.get(trial.prompt_index);
  if (found === undefined) throw new Error(`the plan lacks the prompt of the trial ${trial.id}`);
  return { ...trial, prompt: found };
}

/** Whether two texts are the same plan, perhaps as written by different versions. */
export function isSamePlan(one: string, other: string): boolean {
  if (one === other) return true;
  try {
    return canonicalJson(parsePlan(one)) === canonicalJson(parsePlan(other));
  } catch {
    return false;
  }
}
