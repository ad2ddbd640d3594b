/**
 * `npm run bench:startup`: compares `falcon-exp --version` with a bare `node -e 0`, interleaved.
 * The promise: at most 3× (vega, zeromq and the rest load only where they are used). Exits 1 if it is broken.
 */
import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { median } from "./ratios.js";

const PAIRS = 21;
const LIMIT = 3;

const cli = fileURLToPath(new URL("../bin/falcon-exp.js", import.meta.url));

function timeMs(args: readonly string[]): number {
  const started = process.hrtime.bigint();
  execFileSync(process.execPath, args, { stdio: "ignore" });
  return Number(process.hrtime.bigint() - started) / 1e6;
}

timeMs(["-e", "0"]);
timeMs([cli, "--version"]);
const pairs = Array.from({ length: PAIRS }, () => {
  const bare = timeMs(["-e", "0"]);
  return { bare, version: timeMs([cli, "--version"]) };
});
const ratio = median(pairs.map(({ bare, version }) => version / bare));
const row = {
  pairs: PAIRS,
  bare_node_ms: Math.round(median(pairs.map(({ bare }) => bare))),
  version_ms: Math.round(median(pairs.map(({ version }) => version))),
  ratio: Number(ratio.toFixed(2)),
  limit: LIMIT,
};
console.log(JSON.stringify(row));
process.exitCode = ratio <= LIMIT ? 0 : 1;
