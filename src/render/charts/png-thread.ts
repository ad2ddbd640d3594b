/** What each thread of `render.ts` runs: one picture at a time. */
import { Resvg, type ResvgRenderOptions } from "@resvg/resvg-js";

export interface PngTask {
  readonly svg: string;
  readonly options: ResvgRenderOptions;
}

export default function png({ svg, options }: PngTask): Uint8Array {
  return new Resvg(svg, options).render().asPng();
}
