/** What a chart on the page has more than the same chart in a file: colours that follow the theme, marks to click on. */
import type { Spec } from "vega";
import type { TopLevelSpec } from "vega-lite";

const CLICKABLE = { cursor: "pointer" } as const;

/** Marks show that they can be clicked. */
export function interactive(spec: TopLevelSpec): TopLevelSpec {
  const { config = {} } = spec;
  return {
    ...(withoutEmptyLayers(spec) as TopLevelSpec),
    config: { ...config, bar: CLICKABLE, point: CLICKABLE, line: CLICKABLE, tick: CLICKABLE },
  };
}

/** Marks that there is nothing of: a screen reader would find a picture without a name. */
const LEFT_OUT: ReadonlySet<unknown> = new Set(["point", "rule", "tick"]);

function withoutEmptyLayers(spec: unknown): unknown {
  if (Array.isArray(spec)) return spec.map(withoutEmptyLayers);
  if (typeof spec !== "object" || spec === null) return spec;
  return Object.fromEntries(
    Object.entries(spec).map(([key, value]) => {
      if (key === "data") return [key, value];
      const kept =
        key === "layer" && Array.isArray(value) ? value.filter((layer) => !isEmptyLayer(layer)) : value;
      return [key, withoutEmptyLayers(kept)];
    }),
  );
}

function isEmptyLayer({ data, mark }: { data?: { values?: unknown[] }; mark?: { type?: unknown } }): boolean {
  return data?.values?.length === 0 && LEFT_OUT.has(mark?.type);
}

/** Legends' entries and the axes' names take part in clicks, which Vega-Lite has no key for. */
export function clickableGuides(spec: Spec): Spec {
  const labels = { labels: { interactive: true, update: { cursor: { value: "pointer" } } } };
  const entries = { ...labels, symbols: { interactive: true, update: { cursor: { value: "pointer" } } } };
  for (const legend of spec.legends ?? []) {
    if (legend.type !== "gradient") legend.encode = merged(legend.encode, entries);
  }
  for (const axis of spec.axes ?? []) axis.encode = merged(axis.encode, labels);
  return spec;
}

type Encoding = Record<string, { readonly update?: object }>;

function merged<E extends object>(encode: E | undefined, added: Encoding): E {
  const own = (encode ?? {}) as Encoding;
  const entries = Object.entries(added).map(([part, { update, ...rest }]) => [
    part,
    { ...own[part], ...rest, update: { ...own[part]?.update, ...update } },
  ]);
  return { ...own, ...Object.fromEntries(entries) } as E;
}

/** Names that legends and axes show → configuration, from the rows of the chart's own data. */
export function namesIn(spec: unknown, names = new Map<string, string>()): ReadonlyMap<string, string> {
  if (typeof spec !== "object" || spec === null) return names;
  if ("configuration" in spec && typeof spec.configuration === "string") {
    for (const key of ["label", "name"] as const) {
      const name = (spec as Record<string, unknown>)[key];
      if (typeof name === "string") names.set(name, spec.configuration);
    }
    return names;
  }
  for (const child of Object.values(spec)) namesIn(child, names);
  return names;
}

/** What is a colour; in data only under the key `color`, for a name may be anything. */
const COLOR = /^(#[0-9A-Fa-f]{6}|white)$/;

/**
 * Each colour as a property of the style sheet that has the very colour as its fallback: `var(--chart-b5251d, #B5251D)`.
 * Where the sheet gives the property another value, as for dark, the chart follows without being drawn again.
 */
export function themed(spec: TopLevelSpec): TopLevelSpec {
  return withProperties(spec, false, "") as TopLevelSpec;
}

function withProperties(value: unknown, isData: boolean, key: string): unknown {
  if (Array.isArray(value)) return value.map((one) => withProperties(one, isData, key));
  if (typeof value === "object" && value !== null) {
    const entries = Object.entries(value).map(([name, child]) => [
      name,
      withProperties(child, isData || name === "values", name),
    ]);
    return Object.fromEntries(entries);
  }
  const isColor = typeof value === "string" && COLOR.test(value) && (!isData || key === "color");
  return isColor ? property(value) : value;
}

function property(color: string): string {
  return `var(--chart-${color.replace("#", "").toLowerCase()}, ${color})`;
}
