import { html } from "hono/html";
import { overviewBars } from "../report/picture/bars.js";
import { summarize } from "../report/summary.js";
import { resultTable } from "../report/terminal-table.js";
import type { RunPaths } from "../results/paths.js";
import { readRun } from "../results/run-data.js";
import { addressOf } from "./addresses.js";
import { type Html, layout, text } from "./pages/layout.js";

/** A run's report, made from its records as they are now. Throws the reader's FalconErrors. */
export async function reportPage(path: string, paths: RunPaths): Promise<Html> {
  const { data } = await readRun(paths.folder);
  const summary = summarize(data);
  const style = { columns: 110, color: false };
  return layout(
    path,
    html`<h1>${text(path)}</h1><p><a href="${addressOf.live(path)}">What was recorded, in its order</a></p>
<pre>${resultTable(summary, style)}

${overviewBars(summary, { ...style, blocks: true })}</pre>`,
  );
}
