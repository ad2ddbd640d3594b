/** The charts of the page: drawn from the same inputs as the files beside it, but for the selected configurations only. */
import type { TopLevelSpec } from "vega-lite";
import { articleChart } from "../../src/render/charts/article.js";
import {
  type ChartInputs,
  SHARED_CHARTS,
  type SharedChartName,
  sharedChart,
} from "../../src/render/charts/charts.js";
import { type ExploreChoice, exploreChart } from "../../src/render/charts/explore.js";
import { type DrawnChart, draw } from "./draw.js";
import type { Explore } from "./explore.js";
import { interactive, themed } from "./interactive-spec.js";
import { type SavedFormat, saveChart } from "./save.js";
import type { Selection } from "./selection.js";

export interface Charts {
  /** Draws the charts that were not drawn yet because nobody has scrolled to them. */
  readonly drawAll: () => void;
}

/** Nothing is redrawn until the window's size has stayed the same for this long. */
const SETTLED_MS = 120;

/** A chart's place on the page. */
interface Place {
  readonly figure: HTMLElement;
  readonly canvas: HTMLElement;
  /** The chart at this width; without a width, as in the files of the run's folder. Null if there is nothing to draw. */
  readonly spec: (width?: number) => TopLevelSpec | null;
  drawn: DrawnChart | null;
  /** Set once the place comes near the window: it is drawn then, and again whenever something changes. */
  isWanted: boolean;
  width: number;
}

export function drawCharts(
  page: Document,
  inputs: ChartInputs,
  selection: Selection,
  explore: Explore,
): Charts {
  const places = [...page.querySelectorAll<HTMLElement>("[data-chart]")].flatMap((figure) =>
    findPlaces(figure, inputs, selection, explore),
  );
  const redraw = (place: Place) => {
    place.width = place.canvas.clientWidth;
    if (place.width === 0) return;
    const spec = place.spec(place.width);
    place.drawn?.close();
    place.drawn = null;
    if (spec === null) place.canvas.textContent = "No data for the selected configurations.";
    else {
      place.drawn = draw(place.canvas, themed(interactive(spec)), (configuration) =>
        selection.only(configuration),
      );
    }
  };
  const want = (place: Place) => {
    if (place.isWanted) return;
    place.isWanted = true;
    redraw(place);
  };
  const near = new IntersectionObserver(
    (entries) => {
      for (const entry of entries) {
        const place = places.find(({ figure }) => figure === entry.target);
        if (entry.isIntersecting && place !== undefined) want(place);
      }
    },
    { rootMargin: "300px" },
  );
  for (const place of places) {
    near.observe(place.figure);
    watchSaving(place);
  }
  selection.onChange(() => {
    // A chart of a single configuration is only shown or hidden, not redrawn.
    for (const place of places) {
      if (place.isWanted && place.figure.dataset.configuration === undefined) redraw(place);
    }
  });
  explore.onChange(() => {
    for (const place of places) if (place.figure.dataset.chart === "tradeoff") redraw(place);
  });
  let settling: ReturnType<typeof setTimeout> | undefined;
  const resized = new ResizeObserver(() => {
    clearTimeout(settling);
    settling = setTimeout(() => {
      for (const place of places) {
        if (place.isWanted && place.canvas.clientWidth !== place.width) redraw(place);
      }
    }, SETTLED_MS);
  });
  resized.observe(page.body);
  return {
    drawAll: () => {
      for (const place of places) want(place);
    },
  };
}

function findPlaces(
  figure: HTMLElement,
  inputs: ChartInputs,
  selection: Selection,
  explore: Explore,
): Place[] {
  const canvas = figure.querySelector<HTMLElement>(".canvas");
  const { chart: name = "", configuration } = figure.dataset;
  if (canvas === null) return [];
  const place = { figure, canvas, drawn: null, isWanted: false, width: 0 };
  if (configuration !== undefined) {
    const input = inputs.articles.find((article) => article.configuration === configuration);
    return input === undefined ? [] : [{ ...place, spec: (width) => articleChart(input, width) }];
  }
  if (name === "tradeoff") {
    return [{ ...place, spec: (width) => tradeoffOrExplored(inputs, selection, explore.choice(), width) }];
  }
  return isShared(name)
    ? [{ ...place, spec: (width) => sharedChart(inputs, name, selection.has, width) }]
    : [];
}

function tradeoffOrExplored(
  inputs: ChartInputs,
  selection: Selection,
  choice: ExploreChoice | null,
  width?: number,
): TopLevelSpec | null {
  const { explore } = inputs;
  if (choice === null || explore === null) return sharedChart(inputs, "tradeoff", selection.has, width);
  const rows = explore.rows.filter(({ configuration }) => selection.has(configuration));
  return exploreChart({ ...explore, rows }, choice, explore.rows, width);
}

function watchSaving({ figure, spec }: Place): void {
  for (const button of figure.querySelectorAll<HTMLButtonElement>("[data-save]")) {
    button.addEventListener("click", () => {
      const drawn = spec();
      if (drawn !== null)
        void saveChart(figure.dataset.chart ?? "chart", drawn, button.dataset.save as SavedFormat);
    });
  }
}

function isShared(name: string): name is SharedChartName {
  return SHARED_CHARTS.some((known) => known === name);
}
