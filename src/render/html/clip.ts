/** Cuts very long texts, because a megabyte of control characters would take up eight megabytes of the page. */

import type { ComparedAnswer } from "../../analysis/answer-diff.js";
import { isHarmful } from "../../base/text.js";

export interface Clipped {
  readonly text: string;
  readonly isCut: boolean;
}

/**
 * Returns the start of the text that takes up at most `mostBytes` in the page, once it is escaped there and its control
 * characters are made visible.
 */
export function clipText(text: string, mostBytes: number): Clipped {
  let bytes = 0;
  let end = 0;
  for (const character of text) {
    bytes += countBytes(character.codePointAt(0) ?? 0);
    if (bytes > mostBytes) return { text: text.slice(0, end), isCut: true };
    end += character.length;
  }
  return { text, isCut: false };
}

/** `[U+001B]` */
const VISIBLE_BYTES = 9;
/** `&quot;` */
const ESCAPED_BYTES = 6;

function countBytes(codePoint: number): number {
  if (codePoint === 0x0a) return 1;
  // This includes a carriage return: it is made visible if it stands alone, or if the cut separates it from its line feed.
  if (isHarmful(codePoint)) return VISIBLE_BYTES;
  if (codePoint < 0x40) return `&<>"'`.includes(String.fromCodePoint(codePoint)) ? ESCAPED_BYTES : 1;
  return codePoint < 0x80 ? 1 : codePoint < 0x800 ? 2 : codePoint < 0x10000 ? 3 : 4;
}

/** Cuts an answer, and its tokens to those that lie wholly within the cut text. */
export function clipAnswer(answer: ComparedAnswer, mostBytes: number): ComparedAnswer & { isCut: boolean } {
  const { text, isCut } = clipText(answer.text, mostBytes);
  if (!isCut || answer.tokens === null) return { text, tokens: answer.tokens, isCut };
  const { ids, pieces } = answer.tokens;
  let length = 0;
  let count = 0;
  while (count < pieces.length && length + (pieces[count]?.length ?? 0) <= text.length) {
    length += pieces[count]?.length ?? 0;
    count++;
  }
  return {
    text: text.slice(0, length),
    tokens: { ids: ids.slice(0, count), pieces: pieces.slice(0, count) },
    isCut,
  };
}
