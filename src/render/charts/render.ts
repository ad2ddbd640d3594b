/**
 * Vega-Lite spec → SVG → PNG, without a browser, in threads of their own: whoever asks for a chart goes on meanwhile. The same
 * spec gives the same bytes.
 */
import { createRequire } from "node:module";
import { availableParallelism } from "node:os";
import type { TopLevelSpec } from "vega-lite";
import { chartFonts } from "./chart-fonts.js";
import type { PngTask } from "./png-thread.js";

/** PNGs are drawn at twice the size of the SVG, for screens with fine pixels and for print. */
export const PNG_SCALE = 2;

export interface RenderedChart {
  readonly svg: string;
  readonly png: Uint8Array;
}

/** Throws when Vega or resvg does: the caller decides what else is still drawn. */
export type ChartRenderer = (spec: TopLevelSpec) => Promise<RenderedChart>;

/** Pictures are made beside the charts, and mostly faster: more threads would wait, or take the processor from Vega. */
const PNG_THREADS = Math.min(2, Math.max(1, availableParallelism() - 1));
/** Handed over ahead. */
const WAITING_CHARTS = 8;
/** Of the second thread, which ends then: longer than Vega takes for a chart. The first one stays as long as the renderer. */
const IDLE_MS = 2_000;

/** Starts threads and loads Vega, resvg and the fonts into them: slow, so only where charts are drawn. */
export async function createRenderer(): Promise<ChartRenderer> {
  const [{ Piscina }] = await Promise.all([
    import("piscina"),
    // Used in the threads only; where it is missing that is to be known before the first chart.
    import("@resvg/resvg-js"),
  ]);
  const require = createRequire(import.meta.url);
  // By name, not by place: threads start from built JavaScript even where this file is run as TypeScript.
  const svgs = new Piscina<TopLevelSpec, string>({
    filename: require.resolve("#svg-thread"),
    // Vega's ids are the thread's, so it draws one chart after the other; two threads would also each be slow at first.
    minThreads: 1,
    maxThreads: 1,
    concurrentTasksPerWorker: WAITING_CHARTS,
  });
  const pngs = new Piscina<PngTask, Uint8Array>({
    filename: require.resolve("#png-thread"),
    minThreads: 1,
    maxThreads: PNG_THREADS,
    concurrentTasksPerWorker: 1,
    idleTimeout: IDLE_MS,
  });
  const fontFiles = Object.values(chartFonts());
  return async (spec) => {
    const svg = await svgs.run(spec);
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
