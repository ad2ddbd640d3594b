/** Vega-Lite spec → SVG → PNG, without a browser. The same spec gives the same bytes. */
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { setImmediate } from "node:timers/promises";
import type { TopLevelSpec } from "vega-lite";
import { type FontMetrics, readFontMetrics } from "./font-metrics.js";
import type { PngTask } from "./png-thread.js";

/** PNGs are drawn at twice the size of the SVG, for screens with fine pixels and for print. */
export const PNG_SCALE = 2;

export interface RenderedChart {
  readonly svg: string;
  readonly png: Uint8Array;
}

/** Throws when Vega or resvg does: the caller decides what else is still drawn. */
export type ChartRenderer = (spec: TopLevelSpec) => Promise<RenderedChart>;

interface TextItem {
  readonly fontSize?: number;
  readonly fontWeight?: string | number;
}

/** Pictures are made beside the charts, and mostly faster: more threads would wait. */
const PNG_THREADS = 2;
/** Of the second thread, which ends then: longer than Vega takes for a chart. The first one stays as long as the renderer. */
const IDLE_MS = 2_000;

/** Loads Vega, resvg and the fonts: slow, so only where charts are drawn. */
export async function createRenderer(): Promise<ChartRenderer> {
  const [{ vega, vegaLite }, { Piscina }] = await Promise.all([
    import("./vega.js"),
    import("piscina"),
    // Used in the threads only; where it is missing that is to be known before the first chart.
    import("@resvg/resvg-js"),
  ]);
  const require = createRequire(import.meta.url);
  // By name, not by place: threads start from built JavaScript even where this file is run as TypeScript.
  const pngs = new Piscina<PngTask, Uint8Array>({
    filename: require.resolve("#png-thread"),
    minThreads: 1,
    maxThreads: PNG_THREADS,
    concurrentTasksPerWorker: 1,
    idleTimeout: IDLE_MS,
  });
  const fontFiles = ["DejaVuSans.ttf", "DejaVuSans-Bold.ttf"].map((file) =>
    require.resolve(`dejavu-fonts-ttf/ttf/${file}`),
  );
  const [regular, bold] = await Promise.all(
    fontFiles.map(async (file) => readFontMetrics(await readFile(file))),
  );
  if (regular === undefined || bold === undefined) throw new Error("no fonts");
  measureTextWith(vega, regular, bold);

  const toSvg = async (spec: TopLevelSpec): Promise<string> => {
    // Ids of clips and gradients count on through the process: without this the second chart would differ from the first.
    vega.resetSVGDefIds();
    const logger = vega.logger(vega.None);
    const compiled = vegaLite.compile(spec, { logger }).spec;
    const view = new vega.View(vega.parse(compiled), { renderer: "none", logger });
    try {
      return `${await view.toSVG()}\n`;
    } finally {
      view.finalize();
    }
  };
  let last: Promise<unknown> = Promise.resolve();
  /** Vega's ids are the process's: one chart at a time. */
  const inTurn = (spec: TopLevelSpec): Promise<string> => {
    // Vega never lets go of the event loop by itself: pictures would wait for a thread that has long been free.
    const svg = last.then(() => setImmediate()).then(() => toSvg(spec));
    last = svg.catch(() => {});
    return svg;
  };
  return async (spec) => {
    const svg = await inTurn(spec);
    // Meanwhile Vega draws the next chart.
    const png = await pngs.run({
      svg,
      options: {
        fitTo: { mode: "zoom", value: PNG_SCALE },
        background: "white",
        font: { fontFiles, loadSystemFonts: false, defaultFontFamily: "DejaVu Sans" },
      },
    });
    return { svg, png };
  };
}

function measureTextWith(vega: object, regular: FontMetrics, bold: FontMetrics): void {
  if (!("textMetrics" in vega)) throw new Error("vega no longer exports textMetrics");
  const textMetrics = vega.textMetrics as { width: (item: TextItem, text: unknown) => number };
  textMetrics.width = (item, text) => {
    const isBold = item.fontWeight === "bold" || Number(item.fontWeight) >= 600;
    return (isBold ? bold : regular).width(String(text ?? ""), item.fontSize ?? 11);
  };
}
