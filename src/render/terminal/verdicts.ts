/** The verdicts in the terminal: one line per configuration, or one table row if there are many, grouped by reference. */
import type pc from "picocolors";
import { groupByReference } from "../../analysis/reference-groups.js";
import { wrapText } from "../../base/text.js";
import type { ConfigurationSummary, RunSummary } from "../../run/summary-schema.js";
import { headline, headlineWords, MOST_HEADLINES } from "../words/headline.js";
import { shortName, shownName } from "../words/names.js";
import { fitTable, nameColumn, type TableColumn, type TableStyle, textWithDropped } from "./fit-table.js";

type Colors = ReturnType<typeof pc.createColors>;

/** Above the table: the verdict on each configuration in one sentence. */
export function headlineLines({ configurations }: RunSummary, style: TableStyle, colors: Colors): string[] {
  const isTable = configurations.length > MOST_HEADLINES;
  return groupByReference(configurations).flatMap(({ reference, configurations: own }) => {
    const lines = isTable
      ? verdictTable(own, style)
      : own.flatMap(line).flatMap((one) => hanging(one, style, colors));
    if (lines.length === 0 || reference === null) return lines;
    return [...wrapText(`Against ${shownName(reference)}:`, style.columns), ...lines];
  });
}

/** Below the table: the intervals, and why. None for many configurations, whose details are in the report. */
export function detailLines({ configurations }: RunSummary, style: TableStyle, colors: Colors): string[] {
  if (configurations.length > MOST_HEADLINES) return [];
  const groups = groupByReference(configurations);
  return groups.flatMap(({ reference, configurations: own }) => {
    const lines = own.flatMap((one) => details(one, style, colors));
    const isNamed = groups.length > 1 && lines.length > 0 && reference !== null;
    return isNamed ? [...wrapText(`against ${shownName(reference)}:`, style.columns), ...lines] : lines;
  });
}

interface Line {
  readonly name: string;
  readonly text: string;
}

function line(configuration: ConfigurationSummary): Line[] {
  const text = headline(configuration);
  return text === null ? [] : [{ name: shownName(configuration), text }];
}

function hanging({ name, text }: Line, style: TableStyle, colors: Colors): string[] {
  const [first = "", ...rest] = wrapText(`${name}: ${text}`, style.columns - 2);
  const bold = first.startsWith(name) ? colors.bold(name) + first.slice(name.length) : first;
  return [bold, ...rest.map((one) => `  ${one}`)];
}

function details(configuration: ConfigurationSummary, style: TableStyle, colors: Colors): string[] {
  const { why, against_reference: comparison } = configuration;
  if (comparison === null) return [];
  const reason =
    why === null ? [] : wrapText(`why: ${why}`, style.columns - 2).map((one) => colors.dim(`  ${one}`));
  return [
    ...hanging({ name: shownName(configuration), text: comparison.sentence }, style, colors),
    ...reason,
  ];
}

const PHRASES = { weights: 0, speed: 1, memory: 3, quality: 2 } as const;

function verdictTable(configurations: readonly ConfigurationSummary[], style: TableStyle): string[] {
  const rows = configurations.filter((one) => headline(one) !== null);
  if (rows.length === 0) return [];
  const phrase = (one: ConfigurationSummary, key: keyof typeof PHRASES) => {
    const words = headlineWords(one);
    // A configuration that failed says so in its first cell.
    if (words === null) return key === "weights" ? (headline(one) ?? "") : "";
    return words[key];
  };
  const columns = (Object.keys(PHRASES) as (keyof typeof PHRASES)[]).map(
    (key): TableColumn<ConfigurationSummary> => ({
      header: key,
      cell: (one) => phrase(one, key),
      dropRank: PHRASES[key],
      align: "left",
      narrowest: 10,
    }),
  );
  const fitted = fitTable(rows, [nameColumn("verdict", shortName), ...columns], style);
  return textWithDropped(fitted, style).split("\n");
}
