/** What it costs and what it saves, as sentences, and what a reader must know before trusting them. */

import { groupByReference, type ReferenceGroup } from "../../analysis/reference-groups.js";
import type { ConfigurationSummary, RunSummary } from "../../run/summary-schema.js";
import { html, type Markup } from "./markup.js";

export function verdictsSection(summary: RunSummary): Markup {
  const groups = groupByReference(summary.configurations);
  const drifted = summary.drift?.points.some(
    ({ time: { verdict } }) => verdict === "more" || verdict === "less",
  );
  return html`<section id="verdicts" aria-labelledby="verdicts-h">
<h2 id="verdicts-h">What it costs, what it saves</h2>
${groups.length === 1 && groups[0]?.reference != null && against(groups[0].reference)}
${summary.model_note !== null && html`<p class="note">${summary.model_note}</p>`}
${summary.machine_remarks.map((remark) => html`<p class="warning">Not quiet: ${remark}</p>`)}
${summary.drift !== null && html`<p class="${drifted === true ? "warning" : "quiet"}">${summary.drift.sentence}</p>`}
${groups.map((group) => groupPart(group, groups.length > 1))}
</section>`;
}

/** Configurations of several models are told apart. */
function groupPart({ reference, configurations }: ReferenceGroup, isOneOfSeveral: boolean): Markup {
  return html`${isOneOfSeveral && reference !== null && against(reference)}
<ul class="verdicts">
${configurations.map(verdict)}
</ul>`;
}

function against({ label }: ConfigurationSummary): Markup {
  return html`<p class="quiet">Each against <strong>${label}</strong> *, the reference. In brackets: 99 % intervals of ratios, the ones that decide; of quality 95 %.</p>`;
}

function verdict(configuration: ConfigurationSummary): Markup | null {
  const { id, label, against_reference, why, remarks, offloaded, failure } = configuration;
  const sentence = against_reference?.sentence ?? (failure === null ? null : `failed: ${failure.code}`);
  const isOffloaded = offloaded === true;
  if (sentence === null && remarks.length === 0 && !isOffloaded) return null;
  return html`<li data-configuration="${id}">
<h3>${label}</h3>
${sentence !== null && html`<p class="${against_reference === null ? "bad" : ""}">${sentence}</p>`}
${why !== null && html`<p class="quiet">Why: ${why}</p>`}
${isOffloaded && html`<p class="warning">Layers were offloaded from the GPU; its times say little about the quantization.</p>`}
${remarks.map((remark) => html`<p class="warning">${remark}</p>`)}
</li>`;
}
