/**
 * HTML that cannot be broken out of: what is put into a template is escaped and its control and bidirectional characters
 * are made visible, so a text that a model wrote is harmless wherever it is shown.
 */
import { safeLines } from "../../base/text.js";

/** A piece of HTML that was made by `html`, and so may be put into another. */
export class Markup {
  constructor(readonly text: string) {}
}

export type Part = Markup | string | number | null | undefined | false | readonly Part[];

/** As `html\`<p>${anything}</p>\``: strings and numbers are escaped, lists joined, null, undefined and false left out. */
export function html(strings: TemplateStringsArray, ...parts: readonly Part[]): Markup {
  let text = strings[0] ?? "";
  for (const [index, part] of parts.entries()) text += renderPart(part) + (strings[index + 1] ?? "");
  return new Markup(text);
}

/** Many pieces, one after the other. */
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

/** For text and for attributes in quotes. */
export function escapeHtml(text: string): string {
  return text.replaceAll(/[&<>"']/g, (character) => ESCAPES[character] ?? character);
}

/** A document for `<script type="application/json">`: nothing in it can end the element or the line. */
export function jsonForScript(value: unknown): Markup {
  const unicode = (character: string) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
  return new Markup(JSON.stringify(value).replaceAll(/[<>&\u2028\u2029]/g, unicode));
}
