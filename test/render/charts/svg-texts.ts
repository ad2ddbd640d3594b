import type { FontMetrics } from "../../../src/render/charts/font-metrics.js";

/** A line of text and its place on the canvas, in pixels of the SVG. */
export interface PlacedText {
  readonly text: string;
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
}

/** a c e / b d f, as in SVG's matrix(). */
type Matrix = readonly [number, number, number, number, number, number];
const IDENTITY: Matrix = [1, 0, 0, 1, 0, 0];

/** Reads every line of text in an SVG written by Vega: groups, texts and tspans with translate and rotate, nothing else. */
export function readTexts(
  svg: string,
  fonts: Readonly<Record<"regular" | "bold", FontMetrics>>,
): { readonly width: number; readonly height: number; readonly texts: readonly PlacedText[] } {
  const texts: PlacedText[] = [];
  const groups: Matrix[] = [IDENTITY];
  for (const [, closing, tag = "", attributes = "", content = ""] of svg.matchAll(
    /<(\/?)(g|text)\b([^>]*)(?<!\/)>(?:(?<=<text\b[^>]*>)(.*?)<\/text>)?/gs,
  )) {
    if (closing === "/") groups.pop();
    else if (tag === "g" && attributes.endsWith("/")) continue;
    else if (tag === "g") groups.push(times(groups.at(-1) ?? IDENTITY, parseTransform(attributes)));
    else {
      const at = times(groups.at(-1) ?? IDENTITY, parseTransform(attributes));
      const size = Number(/font-size="([\d.]+)px"/.exec(attributes)?.[1]);
      const font = attributes.includes('font-weight="bold"') ? fonts.bold : fonts.regular;
      const anchor = /text-anchor="(\w+)"/.exec(attributes)?.[1] ?? "start";
      let y = 0;
      for (const { text, dy } of parseLines(content)) {
        y += dy;
        const width = font.width(text, size);
        const x = anchor === "start" ? 0 : anchor === "end" ? -width : -width / 2;
        texts.push({ text, ...box(at, x, y - 0.76 * size, x + width, y + 0.24 * size) });
      }
    }
  }
  const [, width, height] = /width="([\d.]+)" height="([\d.]+)"/.exec(svg) ?? [];
  return { width: Number(width), height: Number(height), texts };
}

function parseLines(content: string): { text: string; dy: number }[] {
  const spans = [...content.matchAll(/<tspan([^>]*)>(.*?)<\/tspan>/gs)];
  if (spans.length === 0) return [{ text: plain(content), dy: 0 }];
  return spans.map(([, attributes = "", text = ""]) => ({
    text: plain(text),
    dy: Number(/dy="([\d.]+)"/.exec(attributes)?.[1] ?? 0),
  }));
}

function plain(text: string): string {
  return text.replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&amp;", "&");
}

function parseTransform(attributes: string): Matrix {
  const text = /transform="([^"]*)"/.exec(attributes)?.[1] ?? "";
  let matrix = IDENTITY;
  for (const [, name, first, second] of text.matchAll(/(\w+)\(([-\d.e]+)(?:,([-\d.e]+))?\)/g)) {
    if (name === "translate") matrix = times(matrix, [1, 0, 0, 1, Number(first), Number(second ?? 0)]);
    else if (name === "rotate") {
      const angle = (Number(first) * Math.PI) / 180;
      matrix = times(matrix, [Math.cos(angle), Math.sin(angle), -Math.sin(angle), Math.cos(angle), 0, 0]);
    } else throw new Error(`transform ${name} is not understood`);
  }
  return matrix;
}

function times(m: Matrix, n: Matrix): Matrix {
  return [
    m[0] * n[0] + m[2] * n[1],
    m[1] * n[0] + m[3] * n[1],
    m[0] * n[2] + m[2] * n[3],
    m[1] * n[2] + m[3] * n[3],
    m[0] * n[4] + m[2] * n[5] + m[4],
    m[1] * n[4] + m[3] * n[5] + m[5],
  ];
}

function box(m: Matrix, left: number, top: number, right: number, bottom: number): Omit<PlacedText, "text"> {
  const corners = [
    [left, top],
    [right, top],
    [left, bottom],
    [right, bottom],
  ] as const;
  const xs = corners.map(([x, y]) => m[0] * x + m[2] * y + m[4]);
  const ys = corners.map(([x, y]) => m[1] * x + m[3] * y + m[5]);
  return { left: Math.min(...xs), right: Math.max(...xs), top: Math.min(...ys), bottom: Math.max(...ys) };
}
