/** Placeholders for the charts, which the page's script draws. Each has buttons that save its chart from the page itself. */
import { type ChartInputs, SHARED_CHARTS, type SharedChartName } from "../charts/charts.js";
import { tradeoffTitle } from "../charts/tradeoff.js";
import { exploreControls } from "./explore-controls.js";
import { folded } from "./folded.js";
import { html, type Markup } from "./markup.js";

/** Charts that are placed in other sections; all others are folded under "More charts". */
const PLACED: readonly SharedChartName[] = ["overview", "batch", "length", "depth", "tradeoff", "quality"];

export function comparisonSection(inputs: ChartInputs): Markup {
  return html`<section id="comparison" aria-labelledby="comparison-h">
<h2 id="comparison-h">Side by side</h2>
<p class="quiet needs-script">Hover for exact values. Click a mark or a name to isolate a configuration; click again to show all.</p>
<noscript><p class="note">Without JavaScript no chart is drawn here. The run's folder has them as files, in charts/.</p></noscript>
${chartFigure(inputs, "overview")}
${chartFigure(inputs, "batch")}
${chartFigure(inputs, "length")}
${chartFigure(inputs, "depth")}
</section>`;
}

export function tradeoffSection(inputs: ChartInputs): Markup | null {
  if (inputs.tradeoff === null) return null;
  return html`<section id="tradeoff" aria-labelledby="tradeoff-h">
<h2 id="tradeoff-h">Tradeoff</h2>
${inputs.explore !== null && exploreControls(inputs.explore)}
${chartFigure(inputs, "tradeoff")}
</section>`;
}

export function moreChartsSection(inputs: ChartInputs): Markup {
  const others = SHARED_CHARTS.filter((name) => !PLACED.includes(name));
  return folded(
    "charts",
    "More charts",
    html`<div class="charts">
${others.map((name) => chartFigure(inputs, name))}
</div>
<h3>Memory and time, trial by trial</h3>
<div class="articles">
${inputs.articles.map(({ configuration, label }) =>
  figure(`article-${configuration}`, `Memory and time of each trial of ${label}`, configuration),
)}
</div>`,
  );
}

/** Null if the run has no data for this chart. */
export function chartFigure(inputs: ChartInputs, name: SharedChartName): Markup | null {
  if (inputs[name] === null) return null;
  return figure(name, titleOf(inputs, name), null);
}

function titleOf({ overview, tradeoff }: ChartInputs, name: SharedChartName): string {
  switch (name) {
    case "overview": {
      const hasKl = overview.rows.some(({ kl }) => kl !== null);
      return `Memory, time${hasKl ? ", decoding speed and divergence" : " and decoding speed"} of each configuration`;
    }
    case "batch":
      return "Tokens per second and memory by batch size";
    case "length":
      return "Tokens per second and memory by prompt length";
    case "depth":
      return "Tokens per second, memory and cache by depth";
    case "tradeoff": {
      const title = tradeoffTitle(tradeoff?.rows.some(({ kl }) => kl !== null) === true);
      return `${title.charAt(0).toUpperCase()}${title.slice(1)} of each configuration`;
    }
    case "quality":
      return "Perplexity against the reference's, text by text";
    case "kl-tails":
      return "KL divergence per token";
    case "inter-token":
      return "Time from one token to the next";
    case "estimate":
      return "Estimated and measured memory";
  }
}

const FORMATS = { svg: "SVG", png: "PNG", json: "Vega-Lite" } as const;

function figure(name: string, title: string, configuration: string | null): Markup {
  const of = configuration === null ? null : html` data-configuration="${configuration}"`;
  const buttons = Object.entries(FORMATS).map(
    ([format, word]) =>
      html`<button type="button" data-save="${format}" aria-label="Save as ${word}: ${title}">${word}</button>`,
  );
  return html`<figure class="chart" data-chart="${name}"${of}>
<div class="canvas" role="group" aria-label="${title}"></div>
<figcaption>${title}<span class="saves needs-script">Save as ${buttons}</span></figcaption>
</figure>`;
}
