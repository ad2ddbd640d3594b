/** Any metric over any other, with colour and panels of the reader's choice. Drawn only on the report page. */
import type { TopLevelSpec } from "vega-lite";
import { charactersIn, titleCharacters } from "./axis-headroom.js";
import { breakLines, CHART_HEAD, COLORS, SERIES, shown } from "./style.js";

/** A metric that at least one configuration has. */
export interface ExploreMetric {
  readonly key: string;
  /** Includes the unit. */
  readonly title: string;
  readonly better: "lower" | "higher" | null;
}

/** A property by which configurations differ, with its values in the plan's order. */
export interface ExploreGroup {
  readonly key: string;
  readonly title: string;
  readonly values: readonly string[];
}

export interface ExploreRow {
  /** Id. */
  readonly configuration: string;
  readonly label: string;
  /** Metric → value, a median over trials; metrics that were not measured are left out. */
  readonly metrics: Readonly<Record<string, number>>;
  readonly groups: Readonly<Record<string, string>>;
}

export interface ExploreChoice {
  readonly x: string;
  readonly y: string;
  /** Key of a metric or a group; if empty, there is one colour. `facet`: key of a group; if empty, there is one panel. */
  readonly color: string;
  readonly facet: string;
}

export interface ExploreInput {
  readonly modelName: string;
  readonly metrics: readonly ExploreMetric[];
  readonly groups: readonly ExploreGroup[];
  readonly rows: readonly ExploreRow[];
  /** Describes the chart that is drawn until the reader chooses another. */
  readonly usual: ExploreChoice;
}

const HEIGHT = 340;
const PANEL_HEIGHT = 220;
const NARROWEST_PANEL = 200;
/** Pixels for the axis and padding, and for the legend. */
const BESIDE_PLOT = 96;
const LEGEND = 120;
/** With more points than this, only tooltips give the names. */
const MOST_LABELS = 12;
const SHAPES = ["circle", "square", "triangle-up", "diamond", "cross", "triangle-down", "triangle-left"];

/** `all`: the rows that set axes and colours, so that both stay when some are hidden. Null if no row has both `x` and `y`. */
export function exploreChart(
  input: ExploreInput,
  { x, y, color, facet }: ExploreChoice,
  all: readonly ExploreRow[],
  room = 720,
): TopLevelSpec | null {
  const read = (row: ExploreRow, key: string) => row.metrics[key] ?? row.groups[key] ?? null;
  const drawable = (rows: readonly ExploreRow[]) =>
    rows.filter((row) => read(row, x) !== null && read(row, y) !== null);
  const places = input.groups.find(({ key }) => key === x)?.values;
  const placeOf = (row: ExploreRow) => places?.indexOf(row.groups[x] ?? "") ?? row.metrics[x] ?? 0;
  const furthest = Math.max(...drawable(all).map(placeOf));
  /** A point on the right has its name on its left. */
  const isOnTheRight = (row: ExploreRow) => placeOf(row) > furthest * 0.55;
  const values = drawable(input.rows).map((row) => ({
    configuration: row.configuration,
    name: row.label,
    x: read(row, x),
    y: read(row, y),
    color: read(row, color),
    facet: read(row, facet),
    isRight: isOnTheRight(row),
  }));
  if (values.length === 0) return null;
  const scaled = drawable(all);
  const scale = (key: string) => {
    const group = input.groups.find((one) => one.key === key);
    if (group !== undefined) {
      return { type: "nominal", domain: group.values, name: group.title, title: group.title };
    }
    const metric = input.metrics.find((one) => one.key === key);
    const numbers = scaled.flatMap((row) => row.metrics[key] ?? []);
    const most = Math.max(...numbers, 0);
    const hint = metric?.better == null ? "" : `, ${metric.better} is better`;
    const name = metric?.title ?? key;
    return {
      type: "quantitative",
      domain: [Math.min(0, ...numbers), most === 0 ? 1 : 1.12 * most],
      name,
      title: `${name}${hint}`,
    };
  };
  const position = (field: "x" | "y", key: string) => {
    const { type, domain, title } = scale(key);
    return { field, type, title, scale: { domain, nice: false }, axis: { tickCount: 5, labelAngle: 0 } };
  };
  const legend = color === "" ? 0 : LEGEND;
  const panels = input.groups.find(({ key }) => key === facet)?.values.length ?? 1;
  const columns =
    facet === "" ? 1 : Math.max(1, Math.min(panels, Math.floor((room - legend) / (NARROWEST_PANEL + 60))));
  const width = Math.max(
    160,
    Math.min(
      facet === "" ? 760 : 360,
      Math.floor((room - BESIDE_PLOT - legend - 28 * (columns - 1)) / columns),
    ),
  );
  const named = { x: position("x", x), y: position("y", y) };
  const colored = colorOf(color, color === "" ? null : scale(color));
  const told = (field: "x" | "y" | "color", key: string) => {
    const { type, name } = scale(key);
    return shown(field, name, type === "quantitative" ? ".4~g" : undefined);
  };
  const mark = { type: "point", filled: true, size: 150, opacity: 1, stroke: "#BBBBBB", strokeWidth: 1 };
  const tooltip = [shown("name", "configuration"), told("x", x), told("y", y)];
  const isMetric = color !== "" && scale(color).type === "quantitative";
  const isAnyGrey = isMetric && values.some((one) => one.color === null);
  const layer = [
    {
      mark,
      encoding: {
        ...named,
        ...colored,
        tooltip: color === "" ? tooltip : [...tooltip, told("color", color)],
      },
    },
    // Vega-Lite leaves out a point whose colour value is null, such as a reference's divergence from itself.
    ...(isAnyGrey
      ? [
          {
            transform: [{ filter: "datum.color === null" }],
            mark,
            encoding: { ...named, fill: { value: COLORS.muted }, tooltip },
          },
        ]
      : []),
    ...(values.length > MOST_LABELS
      ? []
      : [
          {
            mark: {
              type: "text",
              fontSize: 11,
              align: { expr: "datum.isRight ? 'right' : 'left'" },
              dx: { expr: "datum.isRight ? -11 : 11" },
              color: COLORS.text,
              aria: false,
            },
            encoding: { ...named, text: { field: "name" } },
          },
        ]),
  ];
  const title = breakLines(
    `${input.modelName}: ${scale(y).name} over ${scale(x).name}`,
    titleCharacters(room - 28),
    3,
  );
  const subtitle = breakLines(
    `Each point is a configuration's median over trials. Axes and colours cover all configurations${isAnyGrey ? `. Grey: no value for ${scale(color).name}` : ""}`,
    charactersIn(room - 28),
    3,
  );
  const head = { ...CHART_HEAD, title: { text: title, subtitle }, data: { values } };
  if (facet === "") return { ...head, width, height: HEIGHT, layer } as unknown as TopLevelSpec;
  const group = scale(facet);
  return {
    ...head,
    facet: {
      field: "facet",
      type: "nominal",
      title: group.title,
      sort: group.domain,
      header: { labelColor: COLORS.text, titleColor: COLORS.text, labelLimit: 0 },
    },
    columns,
    spec: { width, height: PANEL_HEIGHT, layer },
  } as unknown as TopLevelSpec;
}

interface Scale {
  readonly type: string;
  readonly domain: readonly (string | number)[];
  readonly title: string;
}

/** Groups also have a shape, so that they are never told apart by colour alone. */
function colorOf(key: string, scale: Scale | null) {
  if (key === "" || scale === null) return { fill: { value: COLORS.speed } };
  const { type, domain, title } = scale;
  if (type === "quantitative") {
    return {
      fill: {
        field: "color",
        type,
        title: breakLines(title, 18, 3),
        scale: { scheme: "viridis", reverse: true, domain },
        legend: { gradientLength: 140, tickCount: 4 },
      },
    };
  }
  const pick = <T>(from: readonly T[]) => domain.map((_, index) => from[index % from.length]);
  const legend = { title: breakLines(title, 18, 3), labelLimit: 0, symbolLimit: 0 };
  return {
    fill: { field: "color", type, scale: { domain, range: pick(SERIES) }, legend },
    shape: { field: "color", type, scale: { domain, range: pick(SHAPES) }, legend },
  };
}
