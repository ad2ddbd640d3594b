/**
 * `npm run bench:history [-- --runs 2000]`: how long `falcon-exp history` takes over many runs.
 *
 * Fabricates this many runs of three configurations, six hours apart: noise of one percent, a step of five percent with another
 * library after three fifths, every 97th run partly failed, every 100th killed without a summary. The promise: everything is
 * read, judged and drawn (six charts, each as .vl.json, .svg and .png) in under 5 s, including the start of the program. Exits 1
 * if it is broken.
 */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { writeSweep } from "../test/fixtures/sweep.js";
import { median } from "./ratios.js";

const LIMIT_SEC = 5;
const TIMES = 5;

const cli = fileURLToPath(new URL("../bin/falcon-exp.js", import.meta.url));
const { values } = parseArgs({ options: { runs: { type: "string", default: "2000" } } });
const runs = Number(values.runs);
const stepAt = Math.floor(runs * 0.6);

const results = mkdtempSync(join(tmpdir(), "falcon-exp-bench-"));
try {
  writeSweep(results, {
    runs,
    everyHours: 6,
    of: (i) => ({
      speed: i >= stepAt ? 0.95 : 1,
      bitsandbytes: i >= stepAt ? "0.50.2" : "0.49.0",
      ...(i % 97 === 0 ? { fate: "failed" as const } : i % 100 === 9 ? { fate: "killed" as const } : {}),
    }),
  });
  const timed = (extra: readonly string[]) =>
    Array.from({ length: TIMES }, () => {
      const started = process.hrtime.bigint();
      const args = [cli, "history", "quant", "--results", results, ...extra];
      const text = execFileSync(process.execPath, args, { encoding: "utf8" });
      const elapsed = Number(process.hrtime.bigint() - started) / 1e9;
      if (!text.includes(`quant: ${runs} runs`) || !text.includes("worse since")) throw new Error(text);
      return Number(elapsed.toFixed(2));
    });
  const drawn = timed([]);
  const undrawn = timed(["--no-charts"]);
  console.log(
    JSON.stringify({
      runs,
      history_sec: drawn,
      history_median_sec: median(drawn),
      without_charts_median_sec: median(undrawn),
      limit_sec: LIMIT_SEC,
    }),
  );
  process.exitCode = median(drawn) <= LIMIT_SEC ? 0 : 1;
} finally {
  rmSync(results, { recursive: true, force: true });
}
