/** A run's overview as a picture or as bars, depending on what the output can show. */

import { readFile } from "node:fs/promises";
import type { RunPaths } from "../../../run/paths.js";
import type { RunData } from "../../../run/run-data.js";
import type { RunSummary } from "../../../run/summary-schema.js";
import { overviewInput } from "../../charts/inputs/overview.js";
import { overviewChart } from "../../charts/overview.js";
import { createRenderer } from "../../charts/render.js";
import { type BarStyle, overviewBars } from "./bars.js";
import { itermImage, kittyImage } from "./inline-image.js";
import type { PictureKind } from "./picture-kind.js";

/** A picture that is wider than this shows nothing more. */
const WIDEST_PICTURE_COLUMNS = 120;

export interface PicturedRun {
  readonly data: RunData;
  readonly summary: RunSummary;
  readonly paths: RunPaths;
}

/** Empty for `none`. Throws if Vega or resvg does. */
export async function overviewPicture(run: PicturedRun, kind: PictureKind, style: BarStyle): Promise<string> {
  if (kind === "none") return "";
  if (kind === "blocks") return overviewBars(run.summary, style);
  const columns = Math.min(WIDEST_PICTURE_COLUMNS, style.columns);
  const png = await overviewPng(run);
  return kind === "kitty" ? kittyImage(png, columns) : itermImage(png, columns);
}

/** Returns the picture on disk if it was drawn from the same records; otherwise draws it anew, which takes seconds. */
async function overviewPng({ data, summary, paths }: PicturedRun): Promise<Uint8Array> {
  const spec = overviewChart(overviewInput(data, summary));
  const text = `${JSON.stringify(spec, null, 2)}\n`;
  const written = await readFile(paths.chart("overview", ".vl.json"), "utf8").catch(() => null);
  const kept = written === text ? await readFile(paths.chart("overview", ".png")).catch(() => null) : null;
  return kept ?? (await (await createRenderer())(spec)).png;
}
