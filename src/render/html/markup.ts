/**
 * HTML that values cannot break out of: whatever is put into a template is escaped, and its control and bidirectional
 * characters are made visible, so text that a model wrote is harmless wherever it is shown.
 */
import { safeLines } from "../../base/text.js";

/** A piece of HTML that was made by `html`, so it may be put into another one as it is. */
export class Markup {
  constructor(readonly text: string) {}
}

export type Part = Markup | string | number | null | undefined | false | readonly Part[];

/**
 * Used as `html\`<p>${anything}</p>\``. Strings and numbers are escaped, lists are joined, and null, undefined and false
 * are left out.
 */
export function html(strings: TemplateStringsArray, ...parts: readonly Part[]): Markup {
  let text = strings[0] ?? "";
  for (const [index, part] of parts.entries()) text += renderPart(part) + (strings[index + 1] ?? "");
  return new Markup(text);
}

/** Joins pieces into one, with nothing between them. */
export function joined(parts: readonly Part[]): Markup {
  return new Markup(parts.map(renderPart).join(""));
}

function renderPart(part: Part): string {
  if (part === null || part === undefined || part === false) return "";
  if (part instanceof Markup) return part.text;
  if (typeof part === "object") return part.map(renderPart).join("");
  return escapeHtml(safeLines(String(part)));
}

const ESCAPES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

/** Escapes text for use between tags or in a quoted attribute. */
export function escapeHtml(text: string): string {
  return text.replaceAll(/[&<>"']/g, (character) => ESCAPES[character] ?? character);
}

/** Returns the value as JSON for `<script type="application/json">`, in which nothing can end the element or the line. */
export function jsonForScript(value: unknown): Markup {
  const unicode = (character: string) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
  return new Markup(JSON.stringify(value).replaceAll(/[<>&\u2028\u2029]/g, unicode));
}
