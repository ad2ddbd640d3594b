/** Runs → a dataset repository of the hub: the flat table as Parquet, summaries, and a card that says what is in it. */
import { stringify } from "yaml";
import { markdownInline, safeLine } from "../../base/text.js";
import type { RunSummary } from "../../run/summary-schema.js";
import { COLUMNS } from "../../run/table/columns.js";
import { tableParquet } from "../../run/table/parquet.js";
import type { KeptRows } from "../../run/table/rows.js";
import { runMarkdown } from "../markdown/markdown.js";
import type { FolderContent } from "./document.js";

const TABLE = "trials.parquet";
const SUMMARIES = "summaries.jsonl";

export function hubDataset(summaries: readonly RunSummary[], rows: KeptRows): FolderContent {
  return {
    files: {
      "README.md": buildCard(summaries, rows.length),
      [TABLE]: tableParquet(withoutHosts(rows)),
      [SUMMARIES]: summaries.map((summary) => `${JSON.stringify(summary)}\n`).join(""),
    },
    explain: (folder) => [
      "Check the folder first: it contains answers, model names and failure texts exactly as recorded. To publish it:",
      `  hf upload YOU/NAME ${folder} . --repo-type dataset`,
    ],
  };
}

/** Blanks the host name of each row, because the dataset may be published. */
function* withoutHosts(rows: KeptRows) {
  for (const row of rows) yield { ...row, hostname: "" };
}

function buildCard(summaries: readonly RunSummary[], count: number): string {
  const names = [...new Set(summaries.map(({ experiment }) => safeLine(experiment)))];
  const metadata = {
    pretty_name: `falcon-exp: ${names.join(", ")}`,
    task_categories: ["text-generation"],
    tags: ["falcon-exp", "benchmark", "quantization"],
    size_categories: [describeSize(count)],
    configs: [{ config_name: "trials", data_files: [{ split: "train", path: TABLE }] }],
  };
  return `${[
    `---\n${stringify(metadata, { version: "1.1", lineWidth: 0 })}---`,
    `# ${markdownInline(metadata.pretty_name)}`,
    "Measured with falcon-exp: what quantizing a language model saves and costs in memory, time and quality.",
    summaries.map((summary) => runMarkdown(summary).trimEnd()).join("\n\n"),
    `## Files\n\n- \`${TABLE}\`: one row per trial, and one for a configuration without trials\n- \`${SUMMARIES}\`: one \`summary.json\` per run`,
    `## Columns of \`${TABLE}\`\n\n| column | type | meaning |\n| --- | --- | --- |\n${COLUMNS.map(
      ({ name, type, description }) => `| \`${name}\` | ${type} | ${description} |`,
    ).join("\n")}`,
  ].join("\n\n")}\n`;
}

/** The size category as the hub names it. */
function describeSize(rows: number): string {
  if (rows < 1000) return "n<1K";
  if (rows < 10_000) return "1K<n<10K";
  return rows < 100_000 ? "10K<n<100K" : "100K<n<1M";
}
