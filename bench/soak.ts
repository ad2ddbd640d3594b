/**
 * `npm run bench:soak [-- --configurations 500 --seed 1]`: checks whether a long run keeps what it measured.
 *
 * Makes two runs of a tiny random Falcon in the real worker, with two trials per configuration and a random SIGKILL every few
 * seconds. In the first, the trial process, the supervisor or the controller is killed, and the run is resumed with
 * `--resume`; in the second, the controller survives, and its memory and file descriptors are watched.
 * Promises; exits 1 if one is broken:
 *   every trial is recorded exactly once, in both
 *   no process and no socket is left, in both
 *   the controller's memory grows by at most 20 MB and its descriptors do not grow in number, in the second
 * Needs `falcon-exp setup` to have run.
 */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { formatBytes, formatSeconds } from "../src/base/units.js";
import { type SoakOptions, type SoakResult, soak } from "./soak-run.js";

const GROWTH_LIMIT_BYTES = 20_000_000;

const { values } = parseArgs({
  options: {
    configurations: { type: "string", default: "500" },
    seed: { type: "string", default: "1" },
  },
});
const cli = fileURLToPath(new URL("../bin/falcon-exp.js", import.meta.url));
const setup = execFileSync(process.execPath, [cli, "setup", "--json"], { encoding: "utf8" });
const { python } = JSON.parse(setup) as { python: string };

async function measured(weights: SoakOptions["weights"]): Promise<SoakResult> {
  const folder = mkdtempSync(join(tmpdir(), "falcon-exp-soak-"));
  try {
    return await soak({
      folder,
      python,
      configurations: Number(values.configurations),
      weights,
      killAfterSec: [2, 10],
      seed: Number(values.seed),
      onLine: (line) => console.error(line),
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const broken = await measured({ trial: 6, supervisor: 1, controller: 2 });
const long = await measured({ trial: 6, supervisor: 1, controller: 0 });

const rows: readonly [string, (result: SoakResult) => string | number][] = [
  ["configurations", ({ trialsPlanned }) => trialsPlanned / 2],
  ["elapsed", ({ elapsedSec }) => formatSeconds(elapsedSec)],
  ["SIGKILLs of trial processes", ({ kills }) => kills.trial],
  ["SIGKILLs of supervisors", ({ kills }) => kills.supervisor],
  ["SIGKILLs of controllers", ({ kills }) => kills.controller],
  ["controllers started", ({ controllersStarted }) => controllersStarted],
  ["trials planned", ({ trialsPlanned }) => trialsPlanned],
  ["trials recorded once", ({ trialsOnce }) => trialsOnce],
  ["trials missing", ({ trialsMissing }) => trialsMissing],
  ["trials recorded twice", ({ trialsTwice }) => trialsTwice],
  [
    "longest-lived controller's memory, after a fifth of its life",
    ({ rssStartBytes }) => formatBytes(rssStartBytes),
  ],
  ["longest-lived controller's memory, at the end", ({ rssEndBytes }) => formatBytes(rssEndBytes)],
  [
    "longest-lived controller's descriptors, then and at the end",
    (r) => `${r.descriptorsStart}, ${r.descriptorsEnd}`,
  ],
  ["processes left", ({ processesLeft }) => processesLeft],
  ["files left in the temporary folder", ({ temporaryFilesLeft }) => temporaryFilesLeft.length],
];
console.log("| | all are killed | the controller lives |\n| --- | --- | --- |");
for (const [name, of] of rows) console.log(`| ${name} | ${of(broken)} | ${of(long)} |`);

const whole = [broken, long].every(
  ({ trialsOnce, trialsPlanned, processesLeft, temporaryFilesLeft }) =>
    trialsOnce === trialsPlanned && processesLeft === 0 && temporaryFilesLeft.length === 0,
);
const steady =
  long.rssEndBytes - long.rssStartBytes <= GROWTH_LIMIT_BYTES && long.descriptorsEnd <= long.descriptorsStart;
console.log(whole && steady ? "holds" : "does not hold");
process.exitCode = whole && steady ? 0 : 1;
