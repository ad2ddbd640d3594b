/** Generates parts of the documentation: the tables between `<!-- generated: NAME -->` and `<!-- end -->`. */
import { HISTORY_METRICS, type HistoryMetric } from "../src/analysis/history/metrics.js";
import {
  LIST_METRICS,
  LOAD_LIST_METRICS,
  LOAD_SUMMARY_METRICS,
  loadMetrics,
  SUMMARY_METRICS,
  textMetrics,
  trialMetrics,
} from "../src/metrics/registry.js";
import { RECORD_SCHEMA_VERSION } from "../src/run/record-types.js";
import { COLUMNS } from "../src/run/table/columns.js";
import { TABLE_SCHEMA_VERSION } from "../src/run/table/run-columns.js";

const TABLES: Readonly<Record<string, () => string>> = {
  "record version": () =>
    `The schema version of the records is ${RECORD_SCHEMA_VERSION}; ` +
    "[records.schema.json](../schema/records.schema.json) is the JSON Schema of a line, and " +
    "[summary.schema.json](../schema/summary.schema.json) that of `summary.json`.",
  columns: () =>
    [
      `Version ${TABLE_SCHEMA_VERSION}, ${COLUMNS.length} columns:`,
      "",
      "| column | type | unit | null | meaning |",
      "| --- | --- | --- | --- | --- |",
      ...COLUMNS.map(
        ({ name, type, unit, nullable, description }) =>
          `| \`${name}\` | ${type} | ${unit ?? ""} | ${nullable ? "yes" : "never"} | ${description} |`,
      ),
    ].join("\n"),
  "trial metrics": () => metricsTable(trialMetrics),
  "load metrics": () => metricsTable(loadMetrics),
  "summary statistics": () =>
    `Statistics over completed trials (\`n\`, \`mean\`, \`median\`, \`sd\`, \`min\`, \`max\`, \`ci95_low\`, \`ci95_high\`) stand under ${listKeys(SUMMARY_METRICS)}; ` +
    `what the load came to under ${listKeys(LOAD_SUMMARY_METRICS)} ([metrics.md](metrics.md)).`,
  history: () =>
    [
      "| metric | a run's figure | pale lines in the chart | better |",
      "| --- | --- | --- | --- |",
      ...HISTORY_METRICS.map(
        ({ key, better, ...metric }) => `| \`${key}\` | ${FIGURES[figureOf(metric)]} | ${better} |`,
      ),
    ].join("\n"),
  "list medians": () =>
    `Medians over trials are ${LIST_METRICS.map(({ key }) => `\`median_${key}\``).join(", ")} (\`memory_metric\` says which memory); of the load there are ${listKeys(LOAD_LIST_METRICS)}.`,
  mlflow: () => {
    const sent = trialMetrics.filter(({ shown }) => shown?.mlflow);
    const once = [
      ...sent.flatMap(({ key, summary }) => (summary === undefined ? [] : `median_${key}`)),
      ...loadMetrics.flatMap(({ key, shown }) => (shown?.mlflow ? key : [])),
      ...textMetrics.flatMap(({ key, shown }) => (shown?.mlflow ? `${key}.TEXT` : [])),
    ];
    return [
      `Metrics, a step a trial: ${listKeys(sent.filter(({ sources }) => sources === undefined))}.`,
      "",
      `Metrics, once: ${listKeys(once.map((key) => ({ key })))}; \`time_ratio\` and \`memory_ratio\` with \`_ci99_low\` and \`_ci99_high\`, \`weights_ratio\`, \`TASK.METRIC.FILTER\`.`,
    ].join("\n");
  },
};

const FIGURES = {
  trials: "median over its trials | lowest to highest trial",
  text: "one a text, against the reference | 95 % interval",
  exact: "of the first load; counted, so any difference is one | none",
  load: "of the first load | none",
} as const;

function figureOf({
  isExact,
  isOfText,
  spread,
}: Pick<HistoryMetric, "isExact" | "isOfText" | "spread">): keyof typeof FIGURES {
  if (isOfText) return "text";
  if (spread === "trials") return "trials";
  return isExact ? "exact" : "load";
}

const listKeys = (metrics: readonly { readonly key: string }[]) =>
  metrics.map(({ key }) => `\`${key}\``).join(", ");

function metricsTable(metrics: readonly { readonly key: string; readonly docs: string | null }[]): string {
  return [
    "| name | what it is, and where it comes from |",
    "| --- | --- |",
    ...metrics.flatMap(({ key, docs }) => (docs === null ? [] : `| \`${key}\` | ${docs} |`)),
  ].join("\n");
}

/** Returns the page with every generated part made anew. Throws on a part that nothing generates. */
export function withGeneratedParts(page: string): string {
  return page.replaceAll(
    /(<!-- generated: ([a-z ]+) -->\n)[\s\S]*?(<!-- end -->)/g,
    (_, begin: string, name: string, end: string) => {
      const make = TABLES[name];
      if (make === undefined) throw new Error(`nothing generates ${JSON.stringify(name)}`);
      return `${begin}\n${make()}\n\n${end}`;
    },
  );
}
