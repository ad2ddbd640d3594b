/** A table that a click on a column header sorts, that scrolls within itself, and that becomes cards on a phone. */
import type { ConfigurationSummary } from "../../run/summary-schema.js";
import { shownName } from "../words/names.js";
import { html, type Markup, type Part } from "./markup.js";

export interface SortedHead {
  readonly header: string;
  /** The header in full. */
  readonly title: string;
  readonly isNumber: boolean;
}

/** The first column holds the configurations' names, so each of the `rows` starts with a `nameCell`. */
export function sortedTable(label: string, heads: readonly SortedHead[], rows: readonly Markup[]): Markup {
  return html`<div class="scrolls" role="region" aria-label="${label}, to scroll" tabindex="0">
<table class="results" role="table" aria-label="${label}">
<thead role="rowgroup"><tr role="row">
<th role="columnheader" scope="col" aria-sort="none"><button type="button" data-sort="text" title="Its name">configuration</button></th>
${heads.map(
  ({ header, title, isNumber }) =>
    html`<th role="columnheader" scope="col" aria-sort="none"${isNumber && html` class="figure"`}><button type="button" data-sort="${isNumber ? "number" : "text"}" title="${title}">${header}</button></th>`,
)}
</tr></thead>
<tbody role="rowgroup">
${rows}
</tbody>
</table>
</div>`;
}

/** The header cell of a row: the name, `*` for a reference, and any remarks. */
export function nameCell(configuration: ConfigurationSummary, remarks: Part): Markup {
  const { label, is_reference } = configuration;
  return html`<th role="rowheader" scope="row" data-value="${label}"><bdi>${shownName(configuration)}</bdi>${is_reference && "\u00a0*"}${remarks}</th>`;
}
