import pc from "picocolors";
import { collectQuestions } from "../../analysis/answers.js";
import { safeLine, safeLines, wrapText } from "../../base/text.js";
import { describePrompt } from "../../protocol/prompt.js";
import type { RunData } from "../../run/run-data.js";
import { recordedName, shownName } from "../words/names.js";
import { describeRandomWeights } from "../words/random-weights.js";

export interface TextStyle {
  readonly columns: number;
  readonly color: boolean;
}

/** A terminal is not made for long reading, so the rest is only in answers.md. */
const MOST_QUESTIONS = 20;
const WIDEST = 100;

/** Nobody reads more answers than this at the end of a run. */
const MOST_SHOWN_ANSWERS = 30;

/** Whether there are answers, and few enough of them to be shown unasked. */
export function hasFewAnswers({ configurations }: RunData): boolean {
  const answers = configurations.reduce((sum, { trials }) => sum + trials.length, 0);
  return answers > 0 && answers <= MOST_SHOWN_ANSWERS;
}

/** Every decoded answer, question by question; control characters are made visible. */
export function answersText(data: RunData, style: TextStyle): string {
  const colors = pc.createColors(style.color);
  const width = Math.min(WIDEST, Math.max(20, style.columns)) - 4;
  const indented = (text: string) => wrapText(safeLines(text), width).map((line) => `    ${line}`.trimEnd());
  const questions = collectQuestions(data);
  const names = new Map(data.configurations.map((one) => [one.plan.worker.id, shownName(recordedName(one))]));
  const randomNote = describeRandomWeights(data.configurations);
  const notes = randomNote === null ? [] : wrapText(safeLine(randomNote), width + 4);
  const lines = questions.slice(0, MOST_QUESTIONS).flatMap(({ prompt, answers }, index) => [
    "",
    ...wrapText(`${index + 1}. ${safeLine(describePrompt(prompt))}`, width + 4).map((line) =>
      colors.bold(line),
    ),
    ...answers.flatMap((answer) => {
      const same = answer.equalsReference === true ? " (identical to the reference)" : "";
      const name = names.get(answer.configurationId) ?? safeLine(answer.configuration);
      const header = wrapText(`${name}${same}`, width + 2).map((line) => `  ${colors.cyan(line)}`);
      const body =
        answer.text === null
          ? indented(`failed: ${safeLine(answer.failure ?? "unknown")}`).map((line) => colors.red(line))
          : indented(answer.text.trim() === "" ? "(only white space)" : answer.text.trim());
      return [...header, ...body];
    }),
  ]);
  if (questions.length > MOST_QUESTIONS) {
    lines.push("", `… and ${questions.length - MOST_QUESTIONS} more questions in answers.md`);
  }
  return [...notes.map((line) => colors.yellow(line)), ...lines].slice(notes.length > 0 ? 0 : 1).join("\n");
}
