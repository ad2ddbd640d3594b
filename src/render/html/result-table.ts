/** The table of results, sorted by a click on a column's head. */

import { isMostlyUnquantized, MOSTLY_UNQUANTIZED } from "../../analysis/quantized-share.js";
import { orderByReference } from "../../analysis/reference-groups.js";
import type { ConfigurationSummary, RunSummary } from "../../run/summary-schema.js";
import { cellText, type ResultColumn, resultColumns } from "../terminal/result-columns.js";
import { html, type Markup } from "./markup.js";

export function resultTable(summary: RunSummary): Markup {
  const columns = [...resultColumns(summary), ...pageColumns(summary)];
  return html`<section id="results" aria-labelledby="results-h">
<h2 id="results-h">Results</h2>
<p class="quiet">Medians over trials. * is the reference. A column's head sorts by it.</p>
<div class="scrolls">
<table class="results" role="table">
<thead role="rowgroup"><tr role="row">
<th role="columnheader" scope="col" aria-sort="none"><button type="button" data-sort="text" title="Its name">configuration</button></th>
${columns.map(
  ({ header, title }) =>
    html`<th role="columnheader" scope="col" aria-sort="none" class="figure"><button type="button" data-sort="number" title="${title}">${header}</button></th>`,
)}
</tr></thead>
<tbody role="rowgroup">
${orderByReference(summary.configurations).map((configuration) => row(configuration, columns))}
</tbody>
</table>
</div>
</section>`;
}

/** What a terminal has no room for. */
function pageColumns({ configurations }: RunSummary): readonly ResultColumn[] {
  const columns: readonly ResultColumn[] = [
    {
      header: "× perplexity",
      title: "Perplexity against the reference's, on the first text",
      value: (c) => c.quality[0]?.ppl_ratio?.value ?? null,
      text: (value) => `${value.toFixed(3)}×`,
      dropRank: 0,
    },
    {
      header: "same answers",
      title: "Answers whose tokens are the reference's",
      value: (c) => c.against_reference?.answers_equal ?? null,
      text: (value, c) => `${value}/${c.against_reference?.pairs ?? 0}`,
      dropRank: 0,
    },
  ];
  return columns.filter(({ value }) => configurations.some((one) => value(one) !== null));
}

function row(configuration: ConfigurationSummary, columns: readonly ResultColumn[]): Markup {
  const { id, label, is_reference, status, failure } = configuration;
  const isWhole = status === "completed" && failure === null;
  const state = failure === null ? status.replaceAll("_", " ") : `failed: ${failure.code}`;
  return html`<tr role="row" data-configuration="${id}">
<th role="rowheader" scope="row" data-value="${label}">${label}${is_reference && " *"}${isMostlyUnquantized(configuration) && html` <span class="bad">(${MOSTLY_UNQUANTIZED})</span>`}${!isWhole && html` <span class="bad">✗ ${state}</span>`}</th>
${columns.map(
  (column) =>
    html`<td role="cell" class="figure" data-head="${column.header}" data-value="${column.value(configuration) ?? ""}">${cellText(column, configuration)}</td>`,
)}
</tr>`;
}
