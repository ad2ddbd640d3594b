import { type Answer, collectQuestions } from "../../analysis/answers.js";
import { markdownFence, markdownInline } from "../../base/text.js";
import { describePrompt } from "../../protocol/prompt.js";
import type { RunData } from "../../run/run-data.js";
import { recordedName, shownName } from "../words/names.js";
import { describeStatus } from "../words/status.js";

/** `answers.md`: what each configuration answered, question by question. No markup in a prompt or an answer is interpreted. */
export function answersMarkdown(data: RunData): string {
  const { plan, run_id } = data.run;
  const head = [
    `# ${markdownInline(plan.experiment)}: the answers`,
    "",
    `${markdownInline(plan.model_name)}, run ${markdownInline(run_id)}.${plan.model_note === null ? "" : ` ${markdownInline(plan.model_note)}`}`,
    ...silent(data),
  ];
  const names = new Map(data.configurations.map((one) => [one.plan.worker.id, shownName(recordedName(one))]));
  const questions = collectQuestions(data).flatMap(({ promptId, prompt, answers }, index) => [
    "",
    `## ${index + 1}. ${markdownInline(promptId)}`,
    "",
    markdownFence(describePrompt(prompt)),
    ...(answers.length === 0 ? ["", "No configuration reached this question."] : []),
    ...answers.flatMap((answer) => [
      "",
      `### ${markdownInline(names.get(answer.configurationId) ?? answer.configuration)}${remark(answer, data.run.plan.repeats)}`,
      "",
      answer.text === null
        ? `Failed: ${markdownInline(answer.failure ?? "unknown")}`
        : markdownFence(answer.text),
    ]),
  ]);
  return `${[...head, ...questions].join("\n")}\n`;
}

/** Lists the configurations without any answer, each with the reason; under the questions they would just be missing. */
function silent(data: RunData): string[] {
  const lines = data.configurations
    .filter(({ trials }) => trials.length === 0)
    .map(
      (configuration) =>
        `- ${markdownInline(shownName(recordedName(configuration)))}: no answers, ${markdownInline(describeStatus(configuration))}`,
    );
  return lines.length === 0 ? [] : ["", ...lines];
}

/** ` (reference, 32 tokens, repeats 1 and 2)` */
function remark(answer: Answer, repeats: number): string {
  const parts: string[] = [];
  if (answer.isReference) parts.push("reference");
  if (answer.equalsReference === true) parts.push("identical to the reference");
  if (answer.outputTokens !== null) parts.push(`${answer.outputTokens} tokens`);
  if (repeats > 1) parts.push(`repeat ${answer.repeats.join(", ")}`);
  return parts.length === 0 ? "" : ` (${parts.join("; ")})`;
}
