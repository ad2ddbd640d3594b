/** The controls that choose what the tradeoff chart shows; the page's script reads them. */
import type { ExploreInput } from "../charts/explore.js";
import { html, type Markup } from "./markup.js";

const WORDS = { x: "Horizontal", y: "Vertical", color: "Colour", facet: "Panels" } as const;

export function exploreControls({ metrics, groups, usual }: ExploreInput): Markup {
  const option = (key: string, title: string, chosen: string) =>
    html`<option value="${key}"${key === chosen && " selected"}>${title}</option>`;
  const listed = (of: readonly { readonly key: string; readonly title: string }[], chosen: string) =>
    of.map(({ key, title }) => option(key, title, chosen));
  const choice = (name: keyof typeof WORDS) => {
    const chosen = usual[name];
    const nothing = name === "color" || name === "facet" ? option("", "none", chosen) : null;
    const measured =
      name === "facet" ? null : html`<optgroup label="Measured">${listed(metrics, chosen)}</optgroup>`;
    const varied = name === "y" ? null : html`<optgroup label="Varied">${listed(groups, chosen)}</optgroup>`;
    return html`<label>${WORDS[name]} <select data-explore="${name}" aria-label="${WORDS[name]}">${nothing}${measured}${varied}</select></label>`;
  };
  return html`<p class="tools needs-script">${choice("x")} ${choice("y")} ${choice("color")} ${choice("facet")} <button type="button" id="explore-reset" hidden>Reset</button></p>`;
}
