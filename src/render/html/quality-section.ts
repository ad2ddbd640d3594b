/** What quantizing costs in quality, for every text and every task of every configuration. */

import type { LmEvalResult } from "../../protocol/quality.js";
import type { ConfigurationSummary, QualitySummary, RunSummary } from "../../run/summary-schema.js";
import type { ChartInputs } from "../charts/charts.js";
import { listQualityColumns, type QualityColumn } from "../terminal/quality-columns.js";
import { taskValueText } from "../words/sentences.js";
import { chartFigure } from "./charts-section.js";
import { html, type Markup } from "./markup.js";
import { nameCell, type SortedHead, sortedTable } from "./sorted-table.js";

/** Null if no text was scored and no task was run. */
export function qualitySection(
  { configurations }: RunSummary,
  inputs: ChartInputs,
  randomNote: string | null,
): Markup | null {
  const hasTexts = configurations.some(({ quality }) => quality.length > 0);
  const hasTasks = configurations.some(({ lm_eval }) => lm_eval.length > 0);
  if (!hasTexts && !hasTasks) return null;
  return html`<section id="quality" aria-labelledby="quality-h">
<h2 id="quality-h">Quality</h2>
${randomNote !== null && html`<p class="warning">${randomNote}</p>`}
${hasTexts && textsPart(configurations, inputs)}
${hasTasks && tasksPart(configurations)}
</section>`;
}

function textsPart(configurations: readonly ConfigurationSummary[], inputs: ChartInputs): Markup {
  const columns = listQualityColumns(configurations.flatMap(({ quality }) => quality));
  const heads: readonly SortedHead[] = [
    { header: "text", title: "The scored text", isNumber: false },
    ...columns.map(({ header, title }) => ({ header, title, isNumber: true })),
  ];
  // Grouped by text, because configurations are compared on the same text.
  const texts = [...new Set(configurations.flatMap(({ quality }) => quality.map(({ text_id }) => text_id)))];
  const rows = texts.flatMap((text) =>
    configurations.flatMap((configuration) =>
      configuration.quality
        .filter(({ text_id }) => text_id === text)
        .map((one) => textRow(configuration, one, columns)),
    ),
  );
  return html`${chartFigure(inputs, "quality")}
<h3>By text</h3>
<p class="quiet">Each model reads the same text and says how likely every next token is. × perplexity: 1 means no loss. KL divergence (nats per token): 0 means no loss. Top-1: how often the most likely token is the same as the reference's. ± is half the 95 % interval.</p>
${sortedTable("Quality by text", heads, rows)}`;
}

function textRow(
  configuration: ConfigurationSummary,
  quality: QualitySummary,
  columns: readonly QualityColumn[],
): Markup {
  const failed = quality.status === "failed" && html` <span class="bad">✗ ${quality.failure_code}</span>`;
  const note =
    quality.note !== null && !configuration.is_reference && html` <span class="quiet">${quality.note}</span>`;
  return html`<tr role="row" data-configuration="${configuration.id}">
${nameCell(configuration, null)}
<td role="cell" data-head="text" data-value="${quality.text_id}">${quality.text_id}${failed}${note}</td>
${columns.map(
  (column) =>
    html`<td role="cell" class="figure" data-head="${column.header}" data-value="${column.value(quality) ?? ""}">${column.text(quality)}</td>`,
)}
</tr>`;
}

const TASK_HEADS: readonly SortedHead[] = [
  { header: "task", title: "Task of lm-evaluation-harness", isNumber: false },
  { header: "metric", title: "Metric of the task", isNumber: false },
  { header: "value", title: "± is the library's standard error", isNumber: true },
  { header: "samples", title: "Questions asked", isNumber: true },
];

function tasksPart(configurations: readonly ConfigurationSummary[]): Markup {
  const keyOf = ({ task, metric, filter }: LmEvalResult) => JSON.stringify([task, metric, filter]);
  const keys = [...new Set(configurations.flatMap(({ lm_eval }) => lm_eval.map(keyOf)))];
  const rows = keys.flatMap((key) =>
    configurations.flatMap((configuration) =>
      configuration.lm_eval.filter((one) => keyOf(one) === key).map((one) => taskRow(configuration, one)),
    ),
  );
  return html`<h3>By task</h3>
<p class="quiet">Tasks of lm-evaluation-harness on the very models that were measured. ± is its standard error: differences within it say little.</p>
${sortedTable("Quality by task", TASK_HEADS, rows)}`;
}

function taskRow(configuration: ConfigurationSummary, result: LmEvalResult): Markup {
  const metric = result.filter === "none" ? result.metric : `${result.metric} (${result.filter})`;
  return html`<tr role="row" data-configuration="${configuration.id}">
${nameCell(configuration, null)}
<td role="cell" data-head="task" data-value="${result.task}">${result.task}</td>
<td role="cell" data-head="metric" data-value="${metric}">${metric}</td>
<td role="cell" class="figure" data-head="value" data-value="${result.value}">${taskValueText(result)}</td>
<td role="cell" class="figure" data-head="samples" data-value="${result.samples ?? ""}">${result.samples ?? "–"}</td>
</tr>`;
}
