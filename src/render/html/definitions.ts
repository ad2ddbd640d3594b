import { html, type Markup } from "./markup.js";

/** A name and its value. Facts with a null or empty value are left out. */
export type Fact = readonly [name: string, value: string | number | null];

export function definitions(facts: readonly Fact[]): Markup {
  return html`<dl>
${facts.map(([name, value]) => value !== null && value !== "" && html`<div><dt>${name}</dt><dd>${value}</dd></div>\n`)}</dl>`;
}
