import { safeLine } from "../../../base/text.js";
import { BYTES_PER_GB } from "../../../base/units.js";
import { commonMemoryMetric, memoryName } from "../../../metrics/memory.js";
import type { ConfigurationSummary, RunSummary } from "../../../run/summary-schema.js";
import { shownName } from "../../words/names.js";
import type { Range, SweepInput, SweepPanel, SweepRow } from "../sweep.js";

export interface SweptPanel extends SweepPanel {
  readonly read: (configuration: ConfigurationSummary) => ConfigurationSummary["elapsed_sec"];
  /** What the value is divided by. */
  readonly unit: number;
}

export interface SweptAxis {
  /** Its name in a configuration's axes. */
  readonly axis: string;
  /** Null if the configuration has no value on this axis. */
  readonly readX: (configuration: ConfigurationSummary) => number | null;
}

/** Null if no series was measured at two or more values of the axis. */
export function sweepInput(
  { configurations, model_name }: RunSummary,
  { axis, readX }: SweptAxis,
  panels: readonly SweptPanel[],
): SweepInput | null {
  const placed = configurations.flatMap((configuration) => {
    const x = readX(configuration);
    return x === null ? [] : [{ configuration, x, key: keyOf(configuration, axis) }];
  });
  const keys = [...new Set(placed.map(({ key }) => key))];
  const names = new Map(keys.map((key) => [key, nameSeries(configurations, key, axis)]));
  const rows = placed.map(({ configuration, x, key }): SweepRow => {
    const { failure, status } = configuration;
    const values = panels.map(
      (panel) => [panel.key, toRange(panel.read(configuration), panel.unit)] as const,
    );
    const isMeasured = values.some(([, value]) => value !== null);
    return {
      configuration: configuration.id,
      label: shownName(configuration),
      series: names.get(key) ?? key,
      color: keys.indexOf(key),
      x,
      values: Object.fromEntries(values),
      failure: isMeasured ? null : (failure?.code ?? status.replaceAll("_", " ")),
    };
  });
  const measured = (name: string) =>
    new Set(rows.flatMap((row) => (row.series === name && row.failure === null ? [row.x] : [])));
  if (![...names.values()].some((name) => measured(name).size > 1)) return null;
  const shown = panels.map(({ key, title, what, format }) => ({ key, title, what, format }));
  return { modelName: safeLine(model_name), panels: shown, rows };
}

export function memoryPanel({ configurations }: RunSummary): SweptPanel {
  const metric = commonMemoryMetric(configurations.map(({ memory_metric }) => memory_metric));
  return {
    key: "memory",
    title: `${memoryName(metric)} (GB)`,
    what: "memory",
    format: ".3f",
    read: ({ peak_memory_bytes }) => peak_memory_bytes,
    unit: BYTES_PER_GB,
  };
}

/** What sets a configuration apart from others besides the swept axis. */
function keyOf({ axes }: ConfigurationSummary, swept: string): string {
  return Object.entries(axes)
    .flatMap(([axis, text]) => (axis === swept ? [] : [text]))
    .join(" ");
}

/** Names a series after one of its configurations that was loaded, if there is one, because only such a one has a known dtype. */
function nameSeries(configurations: readonly ConfigurationSummary[], key: string, swept: string): string {
  const own = configurations.filter((one) => keyOf(one, swept) === key);
  const [named] = [...own.filter(({ dtype }) => dtype !== null), ...own];
  return (named === undefined ? "" : shownName({ ...named, label: key })) || "all";
}

function toRange(statistics: ConfigurationSummary["elapsed_sec"], unit: number): Range | null {
  if (statistics === null) return null;
  const { n, median, min, max } = statistics;
  return {
    median: median / unit,
    low: n > 1 ? min / unit : null,
    high: n > 1 ? max / unit : null,
  };
}
