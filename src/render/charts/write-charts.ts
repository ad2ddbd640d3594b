/** Writes charts as files: the specification, then its pictures. */
import { mkdir, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { FalconError } from "../../base/errors.js";
import { mapConcurrent } from "../../base/io.js";
import { CHART_ENDINGS, chartPath } from "../../run/paths.js";
import { writeResultFile } from "../../run/result-file.js";
import { writeFailed } from "../../run/writer.js";
import type { Chart } from "./charts.js";
import { type ChartRenderer, createRenderer, type RenderedChart } from "./render.js";

/** One chart in Vega, two being turned into PNGs, and some waiting for that, so that Vega itself never has to wait. */
const CHART_CONCURRENCY = 8;

/** The renderer that charts are drawn with, or why they cannot be drawn. */
export interface Drawing {
  readonly render: ChartRenderer | null;
  readonly problem: string | null;
}

/** What the callers of `loadDrawing` share, because its threads take seconds to start. A problem is not kept. */
let shared: Promise<Drawing> | null = null;

/**
 * Never rejects, because the values are still of use without pictures. All callers of a process get the same drawing; after a
 * problem, the next caller tries anew.
 */
export function loadDrawing(): Promise<Drawing> {
  shared ??= startDrawing().then((drawing) => {
    if (drawing.problem !== null) shared = null;
    return drawing;
  });
  return shared;
}

async function startDrawing(): Promise<Drawing> {
  try {
    return { render: remembering(await createRenderer()), problem: null };
  } catch (error) {
    return { render: null, problem: `charts cannot be drawn here: ${describeError(error)}` };
  }
}

/** Draws each specification once, however often it is requested, so a caller with time to spare can request it in advance. */
function remembering(render: ChartRenderer): ChartRenderer {
  const begun = new WeakMap<object, Promise<RenderedChart>>();
  return (spec) => {
    const chart = begun.get(spec) ?? render(spec);
    begun.set(spec, chart);
    return chart;
  };
}

export interface ChartFiles {
  /** Whether this program, perhaps in an earlier version, may have drawn a chart of this name. */
  readonly isOurs?: (name: string) => boolean;
  /** Reuses a renderer that is already loaded. */
  readonly drawing?: Drawing;
}

/**
 * Writes `.vl.json`, `.svg` and `.png` of each chart. A chart that cannot be drawn is left out and named in the returned
 * warnings, because values matter more than their pictures. Charts of an earlier version that are no longer drawn are removed if
 * `isOurs` accepts their names. Throws FalconError `results-write-failed`.
 */
export async function writeCharts(
  folder: string,
  charts: readonly Chart[],
  { isOurs = () => true, drawing }: ChartFiles = {},
): Promise<readonly string[]> {
  try {
    await mkdir(folder, { recursive: true });
  } catch (cause) {
    throw writeFailed(folder, cause);
  }
  const wanted = new Set(charts.map(({ name }) => name));
  await removeOthers(folder, (name) => isOurs(name) && !wanted.has(name));
  for (const { name, spec } of charts) {
    await writeResultFile(chartPath(folder, name, ".vl.json"), `${JSON.stringify(spec, null, 2)}\n`);
  }
  const { render, problem } = drawing ?? (await loadDrawing());
  const draw = async ({ name, spec }: Chart): Promise<string | null> => {
    try {
      const images = await render?.(spec);
      if (images === undefined) await removeImages(folder, name);
      else {
        await writeResultFile(chartPath(folder, name, ".svg"), images.svg);
        await writeResultFile(chartPath(folder, name, ".png"), images.png);
      }
      return null;
    } catch (error) {
      if (error instanceof FalconError) throw error;
      await removeImages(folder, name);
      return `the chart ${name} could not be drawn: ${describeError(error)}`;
    }
  };
  const undrawn = await mapConcurrent(charts, CHART_CONCURRENCY, draw);
  return [problem, ...undrawn].filter((warning) => warning !== null);
}

/** Returns what an error says, for use in warnings. */
export function describeError(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Removes a chart's images, because those of an earlier report would be taken for images of this specification. */
async function removeImages(folder: string, name: string): Promise<void> {
  for (const ending of [".svg", ".png"] as const) await rm(chartPath(folder, name, ending), { force: true });
}

async function removeOthers(folder: string, isUnwanted: (name: string) => boolean): Promise<void> {
  for (const file of await readdir(folder)) {
    const ending = CHART_ENDINGS.find((candidate) => file.endsWith(candidate));
    if (ending !== undefined && isUnwanted(file.slice(0, -ending.length))) await rm(join(folder, file));
  }
}
