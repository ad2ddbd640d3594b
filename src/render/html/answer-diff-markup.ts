/** An answer whose differences from the reference's are underlined or struck through, so that colour alone never marks them. */

import type { AnswerDiff, DiffRun } from "../../analysis/answer-diff.js";
import { safeLines } from "../../base/text.js";
import { escapeHtml, html, joined, Markup } from "./markup.js";

/** `marksTokens`: each token that differs gets an element of its own. */
export function renderAnswerDiff({ runs, unit }: AnswerDiff, marksTokens: boolean): Markup {
  const first = runs.findIndex(({ kind }) => kind !== "same");
  return joined(
    runs.map((run, index) => {
      const isLast = index === runs.length - 1 || runs.slice(index + 1).every(({ kind }) => kind !== "same");
      if (run.kind === "same") return same(run, first === -1 || index < first);
      const mark = index === first ? html`<span class="parts" aria-hidden="true">▸</span>` : null;
      const text = changed(run, marksTokens && unit === "token", isLast);
      return run.kind === "inserted" ? html`${mark}<ins>${text}</ins>` : html`${mark}<del>${text}</del>`;
    }),
  );
}

function same({ pieces }: DiffRun, isBefore: boolean): Markup {
  const text = pieces.join("");
  return isBefore ? html`<span class="same">${text}</span>` : html`${text}`;
}

function changed({ kind, pieces }: DiffRun, marksTokens: boolean, isLast: boolean): Markup {
  // Special tokens have no text; most often it is the token that ends the answer.
  if (pieces.join("") === "") return html`${isLast ? "[end]" : "[no text]"}`;
  const visible = (piece: string) => {
    // A line break that differs has no glyph to underline, so it gets a sign, which shows when both texts are shown.
    return escapeHtml(safeLines(piece)).replaceAll(
      "\n",
      `<b class="line-end">↵</b>${kind === "inserted" ? "\n" : ""}`,
    );
  };
  if (!marksTokens) return new Markup(visible(pieces.join("")));
  return new Markup(pieces.map((piece) => (piece === "" ? "" : `<i>${visible(piece)}</i>`)).join(""));
}
