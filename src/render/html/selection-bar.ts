/** The buttons that choose configurations; if there are many, they are folded and come with a search box. */
import type { ConfigurationSummary, RunSummary } from "../../run/summary-schema.js";
import { shownName } from "../words/names.js";
import { html, type Markup } from "./markup.js";

/** More buttons than this are folded, because they would take up a third of the window. */
const MOST_OPEN = 8;

export function selectionBar({ configurations }: RunSummary): Markup {
  const all = html`<button type="button" class="chip all" id="select-all" aria-pressed="true">All</button>`;
  const chips = html`${configurations.map(chip)}`;
  return html`<nav class="selection needs-script" aria-label="Shown configurations">
${
  configurations.length <= MOST_OPEN
    ? html`${all}${chips}`
    : html`${all}<details class="filter"><summary>Filter <span id="selected">all ${configurations.length} configurations</span></summary>
<p><label>Search <input type="search" id="select-search" autocomplete="off"></label> <button type="button" id="select-found">Show only these</button></p>
<div class="chips">${chips}</div></details>`
}
</nav>`;
}

function chip(configuration: ConfigurationSummary): Markup {
  const { id, is_reference } = configuration;
  return html`<button type="button" class="chip" data-select="${id}" aria-pressed="true" title="Show or hide; with Shift: show this one alone. Escape: show all"><bdi>${shownName(configuration)}</bdi>${is_reference && " *"}</button>`;
}
