/**
 * Vega-Lite spec → SVG → PNG, without a browser. Charts are drawn in separate threads, so the caller can go on working meanwhile.
 * The same spec gives the same bytes.
 */
import { createRequire } from "node:module";
import { availableParallelism } from "node:os";
import type { Piscina } from "piscina";
import type { TopLevelSpec } from "vega-lite";
import { chartFonts } from "./chart-fonts.js";
import type { PngTask } from "./png-thread.js";

/** PNGs are drawn at twice the size of the SVG, for screens with fine pixels and for print. */
export const PNG_SCALE = 2;

export interface RenderedChart {
  readonly svg: string;
  readonly png: Uint8Array;
}

/** Rejects if Vega or resvg throws; the caller decides whether to draw the other charts. */
export type ChartRenderer = (spec: TopLevelSpec) => Promise<RenderedChart>;

/** Rejects if Vega throws. */
export type SvgRenderer = (spec: TopLevelSpec) => Promise<string>;

/** PNGs are made while Vega draws, mostly in less time: more threads would only wait, or take processor time from Vega. */
const PNG_THREADS = Math.min(2, Math.max(1, availableParallelism() - 1));
/** The number of charts that are handed to the Vega thread in advance. */
const WAITING_CHARTS = 8;
/**
 * The second PNG thread ends after idling this long, which is longer than Vega takes for a chart. The first stays as long as the
 * renderer.
 */
const IDLE_MS = 2_000;

/**
 * Starts threads and loads Vega, resvg and the fonts into them. This is slow, so it is done only if charts are drawn. `vega`: the
 * thread that draws the SVGs, if it was started already.
 */
export async function createRenderer(vega = createSvgRenderer()): Promise<ChartRenderer> {
  const [drawSvg] = await Promise.all([
    vega,
    // Used only in the threads, but imported here so that a missing package is noticed before the first chart.
    import("@resvg/resvg-js"),
  ]);
  const drawPng = await startThreads<PngTask, Uint8Array>(resolveThread("#png-thread"), {
    minThreads: 1,
    maxThreads: PNG_THREADS,
    concurrentTasksPerWorker: 1,
    idleTimeout: IDLE_MS,
  });
  const fontFiles = Object.values(chartFonts());
  return async (spec) => {
    const svg = await drawSvg(spec);
    // Vega draws the next chart meanwhile.
    const png = await drawPng({
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

/** Starts the Vega thread alone, for charts that nobody wants as PNGs. */
export async function createSvgRenderer(file = resolveThread("#svg-thread")): Promise<SvgRenderer> {
  return startThreads(file, {
    // Vega counts its ids per thread, so a thread draws one chart after another. With two threads, each would be slow at first.
    minThreads: 1,
    maxThreads: 1,
    concurrentTasksPerWorker: WAITING_CHARTS,
  });
}

/** Resolved by name instead of by path, because threads run the built JavaScript even if this file is run as TypeScript. */
function resolveThread(name: "#svg-thread" | "#png-thread"): string {
  return createRequire(import.meta.url).resolve(name);
}

/** A thread that ends fails the tasks that it was given. The next task gets a new thread. */
async function startThreads<T, R>(
  filename: string,
  options: NonNullable<ConstructorParameters<typeof Piscina>[0]>,
): Promise<(task: T) => Promise<R>> {
  const { Piscina } = await import("piscina");
  const threads = new Piscina<T, R>({ ...options, filename });
  // A thread that fails while it loads has been given nothing, and what waits for it would wait for ever. Without a listener, the
  // error would end the process.
  threads.on("error", () => threads.destroy());
  return (task) => threads.run(task);
}
