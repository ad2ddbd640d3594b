/** One or more runs → one document, or a folder of some. */

import { summarize } from "../../analysis/summary.js";
import type { RunData } from "../../run/run-data.js";
import type { RunSummary } from "../../run/summary-schema.js";
import type { TableRow } from "../../run/table/column.js";
import { tableCsv } from "../../run/table/csv.js";
import { tableParquet } from "../../run/table/parquet.js";
import { tableRows } from "../../run/table/rows.js";
import { runMarkdown } from "../markdown/markdown.js";
import { benchmarkAction } from "./benchmark-action.js";
import type { Exporter } from "./document.js";
import type { DocumentFormat } from "./formats.js";
import { hubDataset } from "./hub-dataset.js";
import { modelCard } from "./model-card.js";

export const EXPORT_SCHEMA_VERSION = 1;

export function exporter(format: DocumentFormat): Exporter {
  const rows: TableRow[] = [];
  const summaries: RunSummary[] = [];
  const addRows = (data: RunData) => {
    for (const row of tableRows([data])) rows.push(row);
  };
  const addSummary = (data: RunData) => void summaries.push(summarize(data));
  const addBoth = (data: RunData) => {
    addSummary(data);
    addRows(data);
  };
  switch (format) {
    case "csv":
      return { add: addRows, content: () => tableCsv(rows) };
    case "parquet":
      return { add: addRows, content: () => tableParquet(rows) };
    case "markdown":
      return { add: addSummary, content: () => summaries.map(runMarkdown).join("\n") };
    case "json":
      return {
        add: addBoth,
        content: () => {
          const document = { schema_version: EXPORT_SCHEMA_VERSION, summaries, rows };
          return `${JSON.stringify(document, null, 2)}\n`;
        },
      };
    case "model-card":
      return modelCard();
    case "benchmark-action":
      return { add: addSummary, content: () => benchmarkAction(summaries) };
    case "hub-dataset":
      return { add: addBoth, content: () => hubDataset(summaries, rows) };
  }
}
