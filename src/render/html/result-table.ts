/** The table of results, which a click on a column header sorts, with the notes that a reader needs to understand it. */

import { isMostlyUnquantized } from "../../analysis/quantized-share.js";
import { orderByReference } from "../../analysis/reference-groups.js";
import type { ConfigurationSummary, RunSummary } from "../../run/summary-schema.js";
import { cellText, type ResultColumn, resultColumns } from "../terminal/result-columns.js";
import { MOSTLY_UNQUANTIZED } from "../words/quantized-share.js";
import { estimateSentence, noteSentences } from "../words/sentences.js";
import { html, type Markup } from "./markup.js";
import { nameCell, sortedTable } from "./sorted-table.js";

export function resultTable(summary: RunSummary): Markup {
  const columns = [...resultColumns(summary), ...pageColumns(summary)];
  const estimate = estimateSentence(summary);
  return html`<section id="results" aria-labelledby="results-h">
<h2 id="results-h">Results</h2>
<p class="quiet needs-script">Click a column header to sort.</p>
${sortedTable(
  "Results",
  columns.map(({ header, title }) => ({ header, title, isNumber: true })),
  orderByReference(summary.configurations).map((configuration) => row(configuration, columns)),
)}
<p class="quiet">${noteSentences(summary)}</p>
${estimate !== "" && html`<p class="quiet">${estimate}</p>`}
</section>`;
}

/** Columns that a terminal has no room for. */
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
  const { id, status, failure } = configuration;
  const isWhole = status === "completed" && failure === null;
  const state = failure === null ? status.replaceAll("_", " ") : `failed: ${failure.code}`;
  const remarks = html`${isMostlyUnquantized(configuration) && html` <span class="bad">(${MOSTLY_UNQUANTIZED})</span>`}${!isWhole && html` <span class="bad">✗ ${state}</span>`}`;
  return html`<tr role="row" data-configuration="${id}">
${nameCell(configuration, remarks)}
${columns.map(
  (column) =>
    html`<td role="cell" class="figure" data-head="${column.header}" data-value="${column.value(configuration) ?? ""}">${cellText(column, configuration)}</td>`,
)}
</tr>`;
}
