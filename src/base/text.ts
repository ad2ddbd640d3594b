/**
 * Prepares text for people: makes it harmless, wraps it and counts nouns.
 *
 * What a model, a library or a stranger wrote is made harmless for the place where it is shown. The dangerous characters are
 * the same everywhere: control characters (a terminal obeys them), bidirectional controls (they reorder what is read), and
 * characters that show nothing at all (they hide text). Each becomes visible as `[U+001B]`; nothing is dropped, so a reader
 * sees that something was there.
 */

import wrapAnsi from "wrap-ansi";

const TAB = 0x09;
const NEWLINE = 0x0a;

/** Inclusive ranges of code points that are never passed on as they are. */
const HARMFUL_RANGES: readonly (readonly [number, number])[] = [
  [0x00, 0x1f], // C0
  [0x7f, 0x9f], // DEL, C1
  [0xad, 0xad], // soft hyphen
  [0x61c, 0x61c], // Arabic letter mark
  [0x180e, 0x180e], // Mongolian vowel separator
  [0x200b, 0x200b], // zero-width space (joiners stay: scripts and emoji need them)
  [0x200e, 0x200f], // left-to-right and right-to-left mark
  [0x2028, 0x202e], // line and paragraph separator, bidirectional embeddings and overrides
  [0x2060, 0x206f], // word joiner, invisible operators, bidirectional isolates, deprecated formats
  [0xd800, 0xdfff], // half of a surrogate pair
  [0xfeff, 0xfeff], // byte-order mark
  [0xfff9, 0xfffb], // interlinear annotations
  [0xe0000, 0xe0fff], // tags and other invisible supplements
];

/** Whether this code point can move the cursor, reorder text or hide text. */
export function isHarmful(codePoint: number): boolean {
  return HARMFUL_RANGES.some(([first, last]) => codePoint >= first && codePoint <= last);
}

function visible(codePoint: number): string {
  return `[U+${codePoint.toString(16).toUpperCase().padStart(4, "0")}]`;
}

function replaceHarmful(text: string, keep: (codePoint: number) => boolean): string {
  let result = "";
  for (const character of text) {
    const codePoint = character.codePointAt(0) ?? 0;
    result += isHarmful(codePoint) && !keep(codePoint) ? visible(codePoint) : character;
  }
  return result;
}

const unixNewlines = (text: string) => text.replaceAll("\r\n", "\n");

/** For plain lines of text (a terminal, a fenced block): newlines stay, tabs become four spaces. */
export function safeLines(text: string): string {
  return replaceHarmful(unixNewlines(text).replaceAll("\t", "    "), (codePoint) => codePoint === NEWLINE);
}

/** For one line: like `safeLines`, but line breaks with the white space around them become one space. */
export function safeLine(text: string): string {
  return safeLines(unixNewlines(text).replaceAll(/\s*\n\s*/g, " ")).trim();
}

const MARKDOWN_SPECIAL = /[\\`*_#|~<>&@$]|!(?=\[)|\](?=[([:])|:(?!\s|$)/g;

/**
 * For running text in Markdown: HTML, links, emphasis, mentions and headings show as plain characters. A character that means
 * nothing at its place is not escaped, so that the text can be read without being rendered: `fp4: −10.1 % [−11.0, −9.2]`.
 */
export function markdownInline(text: string): string {
  return safeLine(text).replaceAll(MARKDOWN_SPECIAL, (character) => {
    if (character === "<") return "&lt;";
    if (character === ">") return "&gt;";
    if (character === "&") return "&amp;";
    if (character === "@" || character === ":") return `&#${character.charCodeAt(0)};`;
    return `\\${character}`;
  });
}

/** A Markdown fence around text that may itself contain fences; nothing inside is interpreted. */
export function markdownFence(text: string): string {
  const content = safeLines(text);
  const longest = Math.max(2, ...Array.from(content.matchAll(/`+/g), (run) => run[0].length));
  const fence = "`".repeat(longest + 1);
  return `${fence}text\n${content}\n${fence}`;
}

const FORMULA_START = /^[=+\-@\t\r\n\uff0b\uff0d\uff1d\uff20]/u;

/** For a CSV cell: control characters become visible, and a spreadsheet does not run the text as a formula. */
export function csvText(text: string): string {
  const isFormula = FORMULA_START.test(text);
  const shown = replaceHarmful(unixNewlines(text), (codePoint) => codePoint === NEWLINE || codePoint === TAB);
  return isFormula ? `'${shown}` : shown;
}

/**
 * Wraps text at spaces to `width` terminal columns (wide characters count two); a line's own indentation is kept on
 * its continuation lines. Expects text without control characters (`safeLines`).
 */
export function wrapText(text: string, width: number): string[] {
  const columns = Math.max(2, Math.floor(width));
  return text.split("\n").flatMap((line) => {
    const indent = /^ */.exec(line)?.[0].slice(0, Math.floor(columns / 2)) ?? "";
    const lines = wrapAnsi(line.trim(), columns - indent.length, { hard: true }).split("\n");
    return lines.map((part) => (indent + part).trimEnd());
  });
}

/** `a, b or c`. */
export function joinWithOr(words: readonly string[]): string {
  if (words.length < 2) return words.join("");
  return `${words.slice(0, -1).join(", ")} or ${words.at(-1)}`;
}

/** `1 trial`, `2 trials`. */
export function pluralize(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}
