/** Runs in the Vega thread of `render.ts`: draws one chart at a time. */
import { readFile } from "node:fs/promises";
import * as vega from "vega";
import * as vegaLite from "vega-lite";
import { chartFonts } from "./chart-fonts.js";
import { readFontMetrics } from "./font-metrics.js";

interface TextItem {
  readonly fontSize?: number;
  readonly fontWeight?: string | number;
}

await measureText();

let newest: Promise<unknown> = Promise.resolve();

/** Charts queue here, in this thread, so that the next one is at hand as soon as one is drawn, however busy other threads are. */
export default function svg(spec: vegaLite.TopLevelSpec): Promise<string> {
  const drawn = newest.then(() => draw(spec));
  newest = drawn.catch(() => {});
  return drawn;
}

async function draw(spec: vegaLite.TopLevelSpec): Promise<string> {
  // Vega numbers clips and gradients through all charts of a thread. Without this reset, the SVG of a chart would depend on the
  // charts drawn before it.
  vega.resetSVGDefIds();
  const logger = vega.logger(vega.None);
  const compiled = vegaLite.compile(spec, { logger }).spec;
  const view = new vega.View(vega.parse(compiled), { renderer: "none", logger });
  try {
    return `${await view.toSVG()}\n`;
  } finally {
    view.finalize();
  }
}

/** Tells Vega, once per thread, how wide a text is in the font of the PNGs. */
async function measureText(): Promise<void> {
  const fonts = chartFonts();
  const read = async (path: string) => readFontMetrics(await readFile(path));
  const [regular, bold] = await Promise.all([read(fonts.regular), read(fonts.bold)]);
  if (!("textMetrics" in vega)) throw new Error("vega no longer exports textMetrics");
  const textMetrics = vega.textMetrics as { width: (item: TextItem, text: unknown) => number };
  textMetrics.width = (item, text) => {
    const isBold = item.fontWeight === "bold" || Number(item.fontWeight) >= 600;
    return (isBold ? bold : regular).width(String(text ?? ""), item.fontSize ?? 11);
  };
}
