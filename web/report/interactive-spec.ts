/** What a chart on the page has beyond the same chart in a file: colours that follow the theme, and marks to click on. */
import type { Spec } from "vega";
import type { TopLevelSpec } from "vega-lite";

const CLICKABLE = { cursor: "pointer" } as const;

/** Makes marks show that they can be clicked, and leaves out empty layers. */
export function interactive(spec: TopLevelSpec): TopLevelSpec {
  const { config = {} } = spec;
  return {
    ...(withoutEmptyLayers(spec) as TopLevelSpec),
    config: { ...config, bar: CLICKABLE, point: CLICKABLE, line: CLICKABLE, tick: CLICKABLE },
  };
}

/** Marks whose layers are left out if they have no data: a screen reader would find a picture without a name. */
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

/** Makes the entries of legends and the labels of axes clickable, for which Vega-Lite has no key. */
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

/** Maps the names that legends and axes show to configurations, read from the rows of the chart's own data. */
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

/** What counts as a colour; in data only under the key `color`, because a name may be anything. */
const COLOR = /^(#[0-9A-Fa-f]{6}|white)$/;

/**
 * Replaces each colour by a property of the style sheet, with the colour itself as fallback: `var(--chart-b5251d, #B5251D)`.
 * If the sheet gives the property another value, as in the dark theme, the chart follows without being drawn again.
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
