import { safeLine, wrapText } from "../base/text.js";
import { formatBytes, formatSeconds } from "../base/units.js";
import { fitTable, nameColumn, type TableColumn, textWithDropped } from "../render/terminal/fit-table.js";
import type { ConfigurationEstimate } from "./estimate-plan.js";
import { marginSentences } from "./past-peaks.js";

const NOTHING = "–";
const FIT_WORDS = { tight: "tight", no: "too large" } as const;

/** One row per configuration: parts, total, download, time, and whether it fits. */
export function estimateTable(
  estimates: readonly ConfigurationEstimate[],
  style: { readonly columns: number; readonly color: boolean },
): string {
  type Row = ConfigurationEstimate;
  const bytes = (value: number | null | undefined) => (value == null ? NOTHING : formatBytes(value));
  const places = estimates.find(({ fits }) => fits.length > 0)?.fits ?? [];
  const columns: readonly TableColumn<Row>[] = [
    nameColumn("estimate", ({ label }) => safeLine(label)),
    { header: "weights", cell: ({ estimate }) => bytes(estimate?.weights_bytes), dropRank: 0 },
    { header: "KV cache", cell: ({ estimate }) => bytes(estimate?.kv_cache_bytes), dropRank: 2 },
    { header: "activations", cell: ({ estimate }) => bytes(estimate?.activation_bytes), dropRank: 4 },
    { header: "CUDA", cell: ({ estimate }) => bytes(estimate?.cuda_context_bytes), dropRank: 5 },
    { header: "process", cell: ({ estimate }) => bytes(estimate?.process_bytes), dropRank: 5 },
    { header: "total", cell: ({ estimate }) => bytes(estimate?.total_bytes), dropRank: 0 },
    { header: "download", cell: ({ download_bytes }) => bytes(download_bytes), dropRank: 3 },
    {
      header: "took",
      cell: ({ last_elapsed_sec: sec }) => (sec === null ? NOTHING : formatSeconds(sec)),
      dropRank: 3,
    },
    ...places.map(
      ({ device, memory_bytes }, index): TableColumn<Row> => ({
        header: `${device} ${formatBytes(memory_bytes)}`,
        cell: ({ fits }) => {
          const own = fits[index];
          if (own === undefined) return NOTHING;
          return own.verdict === "yes"
            ? `fits, ${formatBytes(own.spare_bytes)} to spare`
            : FIT_WORDS[own.verdict];
        },
        dropRank: 0,
      }),
    ),
  ];
  const lines = [
    textWithDropped(fitTable(estimates, columns, style), style),
    ...wrapText(
      "From the model's config alone; took: the newest run of this experiment here. docs/estimate.md has the parts.",
      style.columns,
    ),
  ];
  const margins = estimates.flatMap(({ label, margin }) =>
    margin === null ? [] : [{ name: safeLine(label), margin }],
  );
  lines.push(...marginSentences(margins).flatMap((sentence) => wrapText(sentence, style.columns)));
  for (const { label, remarks, error } of estimates) {
    lines.push(...remarks.flatMap((remark) => wrapText(`${safeLine(label)}: ${remark}`, style.columns)));
    if (error === null) continue;
    lines.push(
      ...wrapText(
        `${safeLine(label)}: ${safeLine(error.code)}: ${safeLine(error.message).slice(0, 300)}`,
        style.columns,
      ),
    );
  }
  return lines.join("\n");
}
