/** Draws one Vega-Lite chart in one element, without `eval`, which the page's policy forbids, and without styles of its own. */
import type { Item, Spec } from "vega";
import embed, { type Result } from "vega-embed";
import { expressionInterpreter } from "vega-interpreter";
import type { TopLevelSpec } from "vega-lite";
import { clickableGuides, namesIn } from "./interactive-spec.js";

export interface DrawnChart {
  readonly close: () => void;
}

/** `onClick`: called when a mark, a name or a legend entry of this configuration is clicked. */
export function draw(
  canvas: HTMLElement,
  spec: TopLevelSpec,
  onClick: (configuration: string) => void,
): DrawnChart {
  let result: Result | null = null;
  let isClosed = false;
  const names = namesIn(spec);
  // Drawn into an element of its own, because a chart closed while it is still being drawn must not touch its successor.
  const holder = document.createElement("div");
  canvas.replaceChildren(holder);
  const options = {
    actions: false,
    ast: true,
    expr: expressionInterpreter,
    renderer: "svg",
    defaultStyle: false,
    tooltip: { disableDefaultStyle: true },
    patch: (vega: Spec) => clickableGuides(vega),
  } as const;
  embed(holder, spec, options as never).then((drawn) => {
    result = drawn;
    if (isClosed) drawn.finalize();
    drawn.view.addEventListener("click", (_, item) => {
      const configuration = findConfiguration(item ?? null, names);
      if (configuration !== null) onClick(configuration);
    });
    canvas.dataset.drawn = "true";
  });
  delete canvas.dataset.drawn;
  return {
    close: () => {
      isClosed = true;
      result?.finalize();
      document.querySelector("#vg-tooltip-element")?.classList.remove("visible");
    },
  };
}

function findConfiguration(item: Item | null, names: ReadonlyMap<string, string>): string | null {
  const datum: unknown = item?.datum;
  if (typeof datum !== "object" || datum === null) return null;
  if ("configuration" in datum && typeof datum.configuration === "string") return datum.configuration;
  return "value" in datum ? (names.get(String(datum.value)) ?? null) : null;
}
