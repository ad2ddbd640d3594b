/**
 * `npm run bench:list [-- --runs 2000]`: how long `falcon-exp list` takes over many runs.
 *
 * Copies the kept run of `quant` into this many run folders, each with an id of its own: nine of ten are complete, every tenth is
 * as a kill leaves it (no summary.json, no end). The promise: all of them are listed in under 2 s, including the start of the
 * program. Exits 1 if it is broken.
 */
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { median } from "./ratios.js";

const LIMIT_SEC = 2;
const TIMES = 5;

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const cli = here("../bin/falcon-exp.js");
const { values } = parseArgs({ options: { runs: { type: "string", default: "2000" } } });
const runs = Number(values.runs);

const kept = here("../results/example/quant");
const keptId = readdirSync(kept)[0] ?? "";
const recordsText = readFileSync(join(kept, keptId, "records.jsonl"), "utf8");
const summaryText = readFileSync(join(kept, keptId, "summary.json"), "utf8");

const results = mkdtempSync(join(tmpdir(), "falcon-exp-bench-"));
try {
  for (let index = 0; index < runs; index++) {
    const begun = new Date(Date.UTC(2026, 0, 1) + index * 3_600_000).toISOString();
    const id = `${begun.replaceAll(/[-:]|\.\d+/g, "")}-${index.toString(16).padStart(4, "0")}`;
    const folder = join(results, `sweep-${index % 4}`, id);
    mkdirSync(folder, { recursive: true });
    const isKilled = index % 10 === 9;
    const records = recordsText.replaceAll(keptId, id);
    const lines = records.trimEnd().split("\n");
    writeFileSync(join(folder, "records.jsonl"), isKilled ? `${lines.slice(0, -4).join("\n")}\n` : records);
    if (!isKilled) writeFileSync(join(folder, "summary.json"), summaryText.replaceAll(keptId, id));
  }
  const seconds = Array.from({ length: TIMES }, () => {
    const started = process.hrtime.bigint();
    const text = execFileSync(process.execPath, [cli, "list", "--results", results], { encoding: "utf8" });
    const elapsed = Number(process.hrtime.bigint() - started) / 1e9;
    if (!text.includes(`(--limit ${runs})`)) throw new Error(`not all of ${runs} runs were found:\n${text}`);
    return elapsed;
  });
  const middle = median(seconds);
  console.log(
    JSON.stringify({
      runs,
      list_sec: seconds.map((one) => Number(one.toFixed(2))),
      list_median_sec: Number(middle.toFixed(2)),
      limit_sec: LIMIT_SEC,
    }),
  );
  process.exitCode = middle <= LIMIT_SEC ? 0 : 1;
} finally {
  rmSync(results, { recursive: true, force: true });
}
