/** Runs in each PNG thread of `render.ts`: turns one SVG at a time into a PNG. */
import { Resvg, type ResvgRenderOptions } from "@resvg/resvg-js";

export interface PngTask {
  readonly svg: string;
  readonly options: ResvgRenderOptions;
}

export default function png({ svg, options }: PngTask): Uint8Array {
  return new Resvg(svg, options).render().asPng();
}
