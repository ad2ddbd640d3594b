/** The runs of a results folder as a table, newest first. */
import pc from "picocolors";
import { safeLine, wrapText } from "../../base/text.js";
import { formatSeconds } from "../../base/units.js";
import type { RunIndexEntry, RunIndexStatus } from "../../run/run-index.js";
import { shownLabel } from "../words/names.js";
import { fitTable, type TableColumn, type TableStyle, textWithDropped } from "./fit-table.js";

type Colors = ReturnType<typeof pc.createColors>;

const NOTHING = "–";

/** One row per run; below, what is wrong with runs that could not be read completely. No line is wider than the terminal. */
export function runList(runs: readonly RunIndexEntry[], style: TableStyle): string {
  const colors = pc.createColors(style.color);
  const valueColumns = buildValueColumns(colors);
  // A name is there to be copied, so columns are dropped rather than cutting it, and if it alone is too wide it is wrapped.
  const name: TableColumn<RunIndexEntry> = {
    header: "run",
    cell: ({ path }) => safeLine(path),
    dropRank: 0,
    align: "left",
  };
  const fitted = fitTable(runs, [name, ...valueColumns], style);
  const table = fitted.isTooWide
    ? stacked(runs, valueColumns, style.columns)
    : textWithDropped(fitted, style);
  return [table, ...problems(runs, style, colors)].join("\n");
}

/** `partly_failed` → `partly failed`. */
export function statusWords(status: string): string {
  return status.replaceAll("_", " ");
}

function buildValueColumns(colors: Colors): readonly TableColumn<RunIndexEntry>[] {
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

/** `unquantized 27.9 · int8 17.3 · fp4 34.5`, medians. */
function speedsText({ configurations }: RunIndexEntry): string {
  const speeds = configurations.flatMap(({ label, median_decode_tokens_per_sec: rate }) =>
    rate === null ? [] : [`${shownLabel(label)} ${rate.toFixed(1)}`],
  );
  if (speeds.length === 0) return NOTHING;
  const more = speeds.length > MOST_SPEEDS ? [`${speeds.length - MOST_SPEEDS} more`] : [];
  return [...speeds.slice(0, MOST_SPEEDS), ...more].join(" · ");
}

/** For names that fill a line on their own: puts each run's values below its name. */
function stacked(
  runs: readonly RunIndexEntry[],
  valueColumns: readonly TableColumn<RunIndexEntry>[],
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

function problems(runs: readonly RunIndexEntry[], style: TableStyle, colors: Colors): string[] {
  return runs.flatMap(({ path, problem }) =>
    problem === null
      ? []
      : wrapText(`${safeLine(path)}: ${safeLine(problem)}`, style.columns).map((line) => colors.yellow(line)),
  );
}
