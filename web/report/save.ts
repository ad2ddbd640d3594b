/** Saves charts as files that the page itself makes, because a page that was sent to somebody has no files beside it. */
import { parse, View } from "vega";
import { expressionInterpreter } from "vega-interpreter";
import { compile, type TopLevelSpec } from "vega-lite";

/** Pixels of the picture per pixel of the chart. */
const PNG_SCALE = 2;

export type SavedFormat = "svg" | "png" | "json";

export async function chartFile(spec: TopLevelSpec, format: SavedFormat): Promise<Blob> {
  if (format === "json")
    return new Blob([`${JSON.stringify(spec, null, 2)}\n`], { type: "application/json" });
  const view = new View(parse(compile(spec).spec, undefined, { ast: true }), {
    expr: expressionInterpreter,
    renderer: "none",
  });
  try {
    if (format === "svg") return new Blob([await view.toSVG()], { type: "image/svg+xml" });
    const canvas = await view.toCanvas(PNG_SCALE);
    const blob = await new Promise<Blob | null>((resolve) => canvas.toBlob(resolve, "image/png"));
    if (blob === null) throw new Error("This browser could not turn the chart into a picture.");
    return blob;
  } finally {
    view.finalize();
  }
}

const ENDINGS: Readonly<Record<SavedFormat, string>> = { svg: "svg", png: "png", json: "vl.json" };

export async function saveChart(name: string, spec: TopLevelSpec, format: SavedFormat): Promise<void> {
  const address = URL.createObjectURL(await chartFile(spec, format));
  const link = document.createElement("a");
  link.href = address;
  link.download = `${name}.${ENDINGS[format]}`;
  link.click();
  // The download has begun with the click; the browser keeps what it needs.
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}
