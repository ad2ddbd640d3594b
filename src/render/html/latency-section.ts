/** Percentiles of the time to the first token and of the time from one token to the next. */
import { orderByReference } from "../../analysis/reference-groups.js";
import type { RunSummary } from "../../run/summary-schema.js";
import { LATENCY_COLUMNS, LATENCY_NOTE } from "../terminal/latency-grid.js";
import { shownName } from "../words/names.js";
import { folded } from "./folded.js";
import { html, type Markup } from "./markup.js";

/** Null if no configuration decoded two tokens. */
export function latencySection(summary: RunSummary): Markup | null {
  if (summary.configurations.every(({ itl_percentiles_sec: itl }) => itl === null)) return null;
  return folded(
    "latency",
    "Latency",
    html`<p class="quiet">${LATENCY_NOTE}</p>
<div class="scrolls" role="region" aria-label="Latency, to scroll" tabindex="0">
<table role="table">
<thead role="rowgroup"><tr role="row">
<th role="columnheader" scope="col">configuration</th>
${LATENCY_COLUMNS.map(({ header }) => html`<th role="columnheader" scope="col" class="figure">${header}</th>`)}
</tr></thead>
<tbody role="rowgroup">
${orderByReference(summary.configurations).map(
  (configuration) =>
    html`<tr role="row" data-configuration="${configuration.id}">
<th role="rowheader" scope="row">${shownName(configuration)}${configuration.is_reference && " *"}</th>
${LATENCY_COLUMNS.map(
  ({ header, cell }) =>
    html`<td role="cell" class="figure" data-head="${header}">${cell(configuration)}</td>`,
)}
</tr>`,
)}
</tbody>
</table>
</div>`,
  );
}
