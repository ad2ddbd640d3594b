/** What each configuration answered, question by question, with the differences from the reference marked. */

import { diffAnswers } from "../../analysis/answer-diff.js";
import { type Answer, collectQuestions, type Question } from "../../analysis/answers.js";
import { firstDifference } from "../../analysis/divergence.js";
import { pluralize, safeLine } from "../../base/text.js";
import { countTrialsEach } from "../../plan/plan-types.js";
import { describePrompt } from "../../protocol/prompt.js";
import type { RunData } from "../../run/run-data.js";
import { recordedName, shownName } from "../words/names.js";
import { describeRandomWeights } from "../words/random-weights.js";
import { renderAnswerDiff } from "./answer-diff-markup.js";
import { clipAnswer, clipText } from "./clip.js";
import { html, type Markup } from "./markup.js";

/** The most bytes of all answers together, and of a single one; the rest is in answers.md. */
const ALL_ANSWERS_BYTES = 1_000_000;
const LONGEST_ANSWER_BYTES = 24_000;
const SHORTEST_CUT_BYTES = 400;
const LONGEST_PROMPT_BYTES = 4_000;
/** If every repeat gives a different answer, the answers were sampled, and a few of them are enough to show that. */
const MOST_OF_A_CONFIGURATION = 4;
/** Longer answers stay folded until the reader unfolds them. */
const FOLDED_CHARACTERS = 900;
/** Up to this many tokens in all, each token that differs gets an element of its own; beyond that, each stretch of them. */
const MOST_MARKED_TOKENS = 40_000;

export function answersSection(data: RunData): Markup {
  const questions = collectQuestions(data);
  const count = Math.max(1, questions.flatMap(({ answers }) => answers).length);
  const mostBytes = Math.min(
    LONGEST_ANSWER_BYTES,
    Math.max(SHORTEST_CUT_BYTES, Math.floor(ALL_ANSWERS_BYTES / count)),
  );
  const tokens = questions
    .flatMap(({ answers }) => answers)
    .reduce((sum, one) => sum + (one.outputTokens ?? 0), 0);
  const options: AnswerOptions = {
    mostBytes,
    names: new Map(data.configurations.map((one) => [one.plan.worker.id, shownName(recordedName(one))])),
    marksTokens: tokens <= MOST_MARKED_TOKENS,
    hasRepeats: countTrialsEach(data.run.plan, 1) > 1,
  };
  const randomNote = describeRandomWeights(data.configurations);
  return html`<section id="answers" aria-labelledby="answers-h">
<h2 id="answers-h">Answers</h2>
${randomNote !== null && html`<p class="warning">${randomNote}</p>`}
<p class="quiet">Each answer as it was given. <span class="parts" aria-hidden="true">▸</span> marks where it first differs from the reference's: <span class="same">the same so far</span>, then <ins>different</ins>.</p>
<p class="tools needs-script"><label>Search <input type="search" id="answer-search" autocomplete="off"></label>
<label><input type="checkbox" id="only-different"> Only answers that differ</label>
<label><input type="checkbox" id="show-removed"> Show text that is only in the reference</label></p>
${questions.map((question, index) => questionArticle(question, index, options))}
</section>`;
}

interface AnswerOptions {
  /** By configuration id. */
  readonly names: ReadonlyMap<string, string>;
  readonly mostBytes: number;
  readonly marksTokens: boolean;
  readonly hasRepeats: boolean;
}

function questionArticle(
  { promptId, prompt, answers }: Question,
  index: number,
  options: AnswerOptions,
): Markup {
  const shownPrompt = clipText(describePrompt(prompt), LONGEST_PROMPT_BYTES);
  const findReference = ({ referenceId }: Answer) =>
    answers.find(({ configurationId, text }) => configurationId === referenceId && text !== null) ?? null;
  const seen = new Map<string, number>();
  const shown = answers.filter(({ configurationId }) => {
    const before = seen.get(configurationId) ?? 0;
    seen.set(configurationId, before + 1);
    return before < MOST_OF_A_CONFIGURATION;
  });
  const left = answers.length - shown.length;
  const id = `question-${index + 1}`;
  return html`<article class="question" id="${id}">
<h3><a href="#${id}">${index + 1}. ${safeLine(promptId)}</a></h3>
<p class="prompt" dir="auto">${shownPrompt.text}${shownPrompt.isCut && html` <span class="quiet">… (cut here)</span>`}</p>
${answers.length === 0 && html`<p class="quiet">No configuration reached this question.</p>`}
<div class="answers">
${shown.map((answer) => answerCard(answer, findReference(answer), answerId(id, answer), options))}
</div>
${left > 0 && html`<p class="quiet">${pluralize(left, "more answer")} in answers.md.</p>`}
</article>`;
}

/** Equal answers from several repeats are shown once, with an id that names the first of these repeats. */
function answerId(question: string, { configurationId, repeats }: Answer): string {
  const [first = 1] = repeats;
  return `${question}-${configurationId}${first === 1 ? "" : `-${first}`}`;
}

/** `id`: the anchor for links to this answer. */
function answerCard(answer: Answer, reference: Answer | null, id: string, options: AnswerOptions): Markup {
  const { configurationId, isReference, repeats, text, outputTokens, failure } = answer;
  const name = options.names.get(configurationId) ?? answer.configuration;
  const remarks = [
    ...(isReference ? ["reference"] : []),
    ...(outputTokens === null ? [] : [pluralize(outputTokens, "token")]),
    ...(options.hasRepeats
      ? [`repeat ${repeats.slice(0, 12).join(", ")}${repeats.length > 12 ? ", …" : ""}`]
      : []),
  ].join(" · ");
  const head = (
    verdict: string | null,
  ) => html`<h4><a href="#${id}"><bdi>${name}</bdi></a> <span class="quiet">${remarks}</span></h4>
${verdict !== null && html`<p class="quiet">${verdict}</p>`}`;
  if (text === null) {
    return html`<div class="answer" id="${id}" data-configuration="${configurationId}">${head(null)}<p class="bad">✗ failed: ${failure ?? "unknown"}</p></div>`;
  }
  const own = clipAnswer({ text, tokens: answer.tokens }, options.mostBytes);
  const other =
    reference === null || reference === answer || reference.text === null
      ? null
      : clipAnswer({ text: reference.text, tokens: reference.tokens }, options.mostBytes);
  const diff = other === null ? null : diffAnswers(own, other);
  const body = text.trim() === "" ? html`<span class="quiet">(only white space)</span>` : null;
  const shown = body ?? (diff === null ? html`${own.text}` : renderAnswerDiff(diff, options.marksTokens));
  const isLong = own.text.length > FOLDED_CHARACTERS;
  const cut = own.isCut
    ? html`<p class="note">Shortened to ${own.text.length.toLocaleString("en")} of ${text.length.toLocaleString("en")} characters, and compared only that far; answers.md and records.jsonl have all of it.</p>`
    : null;
  const same = answer.equalsReference === true && html` data-same="true"`;
  return html`<div class="answer" id="${id}" data-configuration="${configurationId}"${same}>
${head(describeVerdict(answer, reference))}
<div class="said${isLong && " long"}" dir="auto" translate="no">${shown}</div>
${cut}${isLong && html`<button type="button" class="needs-script" data-unfold aria-expanded="false">Show all</button>`}
</div>`;
}

function describeVerdict({ equalsReference, ids }: Answer, reference: Answer | null): string | null {
  if (equalsReference === true) return "identical to the reference";
  if (equalsReference === null) return null;
  const theirs = reference?.ids ?? null;
  const place = ids === null || theirs === null ? null : firstDifference(ids, theirs);
  return place === null ? "differs from the reference" : `first differs at token ${place}`;
}
