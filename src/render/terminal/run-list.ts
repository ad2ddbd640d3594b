/** The runs of a results folder as a table, newest first. */
import pc from "picocolors";
import stringWidth from "string-width";
import { formatSeconds } from "../../base/units.js";
import { safeLine } from "../../base/untrusted-text.js";
import { wrapText } from "../../base/wrap-text.js";
import type { RunIndexEntry, RunIndexStatus } from "../../run/run-index.js";
import { dropColumnsToFit } from "./drop-columns.js";
import { type GridColumn, grid } from "./grid.js";

interface Style {
  readonly columns: number;
  readonly color: boolean;
}

type Colors = ReturnType<typeof pc.createColors>;

const NOTHING = "–";

/** One row a run; beneath, what is wrong with those that could not be read whole. No line is wider than the terminal. */
export function runList(runs: readonly RunIndexEntry[], style: Style): string {
  const colors = pc.createColors(style.color);
  const name = { header: "run", cell: ({ path }: RunIndexEntry) => safeLine(path) };
  const valueColumns = buildValueColumns(colors);
  const widest = Math.max(...runs.map((run) => stringWidth(name.cell(run))));
  const measureWidth = ({ header, cell }: GridColumn<RunIndexEntry>) =>
    Math.max(stringWidth(header), ...runs.map((run) => stringWidth(cell(run))));
  const nameRoom = (columns: readonly GridColumn<RunIndexEntry>[]) =>
    style.columns - columns.reduce((sum, column) => sum + measureWidth(column) + 3, 4);
  // A name is there to be copied: columns go before it is cut.
  const shown = dropColumnsToFit(valueColumns, (columns) => nameRoom(columns) >= widest);
  const table =
    nameRoom(shown) >= widest ? grid(runs, name, shown, style) : stacked(runs, valueColumns, style.columns);
  return [table, ...problems(runs, style, colors)].join("\n");
}

/** `partly_failed` → `partly failed`. */
export function statusWords(status: string): string {
  return status.replaceAll("_", " ");
}

function buildValueColumns(colors: Colors): readonly GridColumn<RunIndexEntry>[] {
  return [
    { header: "status", cell: ({ status }) => statusColor(status, colors)(statusWords(status)), dropRank: 0 },
    { header: "trials", cell: trialsText, dropRank: 1 },
    {
      header: "took",
      cell: ({ elapsed_sec }) => (elapsed_sec === null ? NOTHING : formatSeconds(elapsed_sec)),
      dropRank: 2,
    },
    { header: "model", cell: ({ model_name }) => safeLine(model_name ?? NOTHING), dropRank: 3 },
    { header: "tokens/s", cell: speedsText, dropRank: 4 },
  ];
}

function statusColor(status: RunIndexStatus, colors: Colors): (text: string) => string {
  switch (status) {
    case "completed":
      return colors.green;
    case "running":
      return colors.cyan;
    case "partly_failed":
    case "interrupted":
      return colors.yellow;
    case "all_failed":
    case "killed":
    case "damaged":
      return colors.red;
  }
}

function trialsText({ trials_completed, trials_planned }: RunIndexEntry): string {
  return trials_completed === null || trials_planned === null
    ? NOTHING
    : `${trials_completed}/${trials_planned}`;
}

const MOST_SPEEDS = 4;

/** `none 27.9 · int8 17.3 · fp4 34.5`, medians. */
function speedsText({ configurations }: RunIndexEntry): string {
  const speeds = configurations.flatMap(({ label, median_decode_tokens_per_sec: rate }) =>
    rate === null ? [] : [`${safeLine(label)} ${rate.toFixed(1)}`],
  );
  if (speeds.length === 0) return NOTHING;
  const more = speeds.length > MOST_SPEEDS ? [`${speeds.length - MOST_SPEEDS} more`] : [];
  return [...speeds.slice(0, MOST_SPEEDS), ...more].join(" · ");
}

/** Where a name alone fills the line, its values stand beneath it. */
function stacked(
  runs: readonly RunIndexEntry[],
  valueColumns: readonly GridColumn<RunIndexEntry>[],
  columns: number,
): string {
  return runs
    .flatMap((run) => [
      ...wrapText(safeLine(run.path), columns),
      ...wrapText(
        `  ${valueColumns
          .slice(0, 3)
          .map(({ cell }) => cell(run))
          .join(" · ")}`,
        columns,
      ),
    ])
    .join("\n");
}

function problems(runs: readonly RunIndexEntry[], style: Style, colors: Colors): string[] {
  return runs.flatMap(({ path, problem }) =>
    problem === null
      ? []
      : wrapText(`${safeLine(path)}: ${safeLine(problem)}`, style.columns).map((line) => colors.yellow(line)),
  );
}
