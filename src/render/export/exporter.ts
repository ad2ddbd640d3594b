/** One or more runs → one document, or a folder of several. */

import type { RunData } from "../../run/run-data.js";
import type { RunSummary } from "../../run/summary-schema.js";
import { csvPieces } from "../../run/table/csv.js";
import { tableParquet } from "../../run/table/parquet.js";
import { KeptRows } from "../../run/table/rows.js";
import { runMarkdown } from "../markdown/markdown.js";
import { writeSummary } from "../words/summary.js";
import { benchmarkAction } from "./benchmark-action.js";
import type { Exporter } from "./document.js";
import type { DocumentFormat } from "./formats.js";
import { hubDataset } from "./hub-dataset.js";
import { modelCard } from "./model-card.js";

export const EXPORT_SCHEMA_VERSION = 1;

export function exporter(format: DocumentFormat): Exporter {
  const rows = new KeptRows();
  const summaries: RunSummary[] = [];
  const addRows = (data: RunData) => rows.add(data);
  const addSummary = (data: RunData) => void summaries.push(writeSummary(data));
  const addBoth = (data: RunData) => {
    addSummary(data);
    addRows(data);
  };
  switch (format) {
    case "csv":
      return { add: addRows, content: () => ({ pieces: csvPieces(rows) }) };
    case "parquet":
      return { add: addRows, content: () => tableParquet(rows) };
    case "markdown":
      return { add: addSummary, content: () => summaries.map(runMarkdown).join("\n") };
    case "json":
      return { add: addBoth, content: () => ({ pieces: jsonPieces({ summaries, rows }) }) };
    case "model-card":
      return modelCard();
    case "benchmark-action":
      return { add: addSummary, content: () => benchmarkAction(summaries) };
    case "hub-dataset":
      return { add: addBoth, content: () => hubDataset(summaries, rows) };
  }
}

/** Yields JSON in pieces, indented as by JSON.stringify, because a string cannot hold a hundred thousand rows. */
function* jsonPieces(lists: Readonly<Record<string, Iterable<object>>>): Generator<string> {
  yield `{\n  "schema_version": ${EXPORT_SCHEMA_VERSION}`;
  for (const [name, items] of Object.entries(lists)) {
    yield `,\n  "${name}": [`;
    let separator = "\n";
    for (const item of items) {
      yield `${separator}    ${JSON.stringify(item, null, 2).replaceAll("\n", "\n    ")}`;
      separator = ",\n";
    }
    yield separator === "\n" ? "]" : "\n  ]";
  }
  yield "\n}\n";
}
