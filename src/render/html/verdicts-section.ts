import { groupByReference, type ReferenceGroup } from "../../analysis/reference-groups.js";
import type { ConfigurationSummary, RunSummary } from "../../run/summary-schema.js";
/** What quantizing costs and saves: one line per configuration, then why, and what a reader must know before trusting it. */
import { headline, headlineWords, MOST_HEADLINES } from "../words/headline.js";
import { shownName } from "../words/names.js";
import { environmentSentence } from "../words/sentences.js";
import { html, type Markup } from "./markup.js";
import { nameCell, sortedTable } from "./sorted-table.js";

export function verdictsSection(summary: RunSummary): Markup {
  const groups = groupByReference(summary.configurations);
  const drifted = summary.drift?.points.some(
    ({ time: { verdict } }) => verdict === "more" || verdict === "less",
  );
  const changes = environmentSentence(summary);
  const isLong = summary.configurations.length > MOST_HEADLINES;
  const only = groups.length === 1 ? (groups[0]?.reference ?? null) : null;
  return html`<section id="verdicts" aria-labelledby="verdicts-h">
<h2 id="verdicts-h">Verdict</h2>
${only !== null && against(only)}
${summary.machine_remarks.map((remark) => html`<p class="warning">Noisy machine: ${remark}</p>`)}
${changes !== "" && html`<p class="warning">${changes}</p>`}
${summary.model_note !== null && html`<p class="note">${summary.model_note}</p>`}
${summary.drift !== null && html`<p class="${drifted === true ? "warning" : "quiet"}">${summary.drift.sentence}</p>`}
${groups.map((group) => groupPart(group, groups.length > 1, isLong))}
</section>`;
}

/** The verdicts against one reference, which is named if there are several. Few verdicts are cards, many are rows. */
function groupPart(
  { reference, configurations }: ReferenceGroup,
  isOneOfSeveral: boolean,
  isLong: boolean,
): Markup {
  const cards = html`<ul class="verdicts">
${configurations.map((one) => verdict(one, !isLong))}
</ul>`;
  const head = isOneOfSeveral && reference !== null && against(reference);
  if (!isLong) return html`${head}${cards}`;
  const name = reference === null ? "" : ` against ${shownName(reference)}`;
  return html`${head}
${verdictTable(`Verdicts${name}`, configurations)}
<details><summary>Details${name}: intervals, causes and remarks</summary>
${cards}
</details>`;
}

function against(reference: ConfigurationSummary): Markup {
  return html`<p class="quiet">Against <strong>${shownName(reference)}</strong> *, the reference.</p>`;
}

function verdictTable(label: string, configurations: readonly ConfigurationSummary[]): Markup {
  const heads = ["weights", "speed", "peak memory", "quality"].map((header) => ({
    header,
    title: `${header.charAt(0).toUpperCase()}${header.slice(1)}, against the reference`,
    isNumber: false,
  }));
  const rows = configurations.flatMap((configuration) => {
    const words = headlineWords(configuration);
    const text = headline(configuration);
    if (text === null) return [];
    const cells =
      words === null ? [text, "", "", ""] : [words.weights, words.speed, words.memory, words.quality];
    return [
      html`<tr role="row" data-configuration="${configuration.id}">${nameCell(configuration, null)}${cells.map(
        (cell, index) =>
          html`<td role="cell" class="${words === null ? "bad" : ""}" data-head="${words === null ? "" : (heads[index]?.header ?? "")}" data-value="${cell}">${cell}</td>`,
      )}</tr>`,
    ];
  });
  return sortedTable(label, heads, rows);
}

function verdict(configuration: ConfigurationSummary, hasHeadline: boolean): Markup | null {
  const { id, against_reference, why, remarks, offloaded, failure } = configuration;
  const line = hasHeadline ? headline(configuration) : null;
  const isOffloaded = offloaded === true;
  const sentence = against_reference?.sentence ?? null;
  if (line === null && sentence === null && remarks.length === 0 && !isOffloaded) return null;
  return html`<li data-configuration="${id}">
<h3><bdi>${shownName(configuration)}</bdi></h3>
${line !== null && html`<p class="headline${against_reference === null && " bad"}">${line}</p>`}
${failure !== null && html`<p><a href="#failures">Cause and next step</a></p>`}
${isOffloaded && html`<p class="warning">Layers were offloaded from the GPU; its times say little about the quantization.</p>`}
${remarks.map((remark) => html`<p class="warning">${remark}</p>`)}
${sentence !== null && html`<p class="quiet">${sentence}</p>`}
${why !== null && html`<p class="quiet">Why: ${why}</p>`}
</li>`;
}
