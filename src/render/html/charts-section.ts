/** Places for the charts, which the page's script draws, with links to the files beside the page. */
import { type ChartInputs, SHARED_CHARTS, type SharedChartName } from "../charts/charts.js";
import { html, type Markup } from "./markup.js";

const TITLES: Readonly<Record<SharedChartName, string>> = {
  overview: "Configurations side by side: memory, time, decoding speed and divergence",
  tradeoff: "Memory, speed and quality of each configuration",
  "kl-tails": "How far the answers' tokens stray from the reference",
  "inter-token": "Times from one token to the next",
  estimate: "Estimated and measured memory",
};

export function chartsSections(inputs: ChartInputs): Markup {
  return html`<section id="runs" aria-labelledby="runs-h">
<h2 id="runs-h">Memory and time, run by run</h2>
<p class="quiet needs-script">Point at a mark for its figures. A click on a mark or a name shows that configuration alone; once more, all.</p>
<noscript><p class="note">Without JavaScript the charts are not drawn here: they lie beside this page, in <a href="charts/">charts/</a>.</p></noscript>
<div class="articles">
${inputs.articles.map(({ configuration, label }) =>
  figure(`article-${configuration}`, `Memory and execution time of each run of ${label}`, configuration),
)}
</div>
</section>
<section id="comparison" aria-labelledby="comparison-h">
<h2 id="comparison-h">Side by side</h2>
<div class="charts">
${SHARED_CHARTS.filter((name) => inputs[name] !== null).map((name) => figure(name, TITLES[name], null))}
</div>
</section>`;
}

function figure(name: string, title: string, configuration: string | null): Markup {
  const of = configuration === null ? null : html` data-configuration="${configuration}"`;
  const file = `charts/${encodeURIComponent(name)}`;
  return html`<figure class="chart" data-chart="${name}"${of}>
<div class="canvas" role="group" aria-label="${title}"></div>
<figcaption>${title}: <a href="${file}.svg">SVG</a> <a href="${file}.png">PNG</a> <a href="${file}.vl.json">Vega-Lite</a></figcaption>
</figure>`;
}
