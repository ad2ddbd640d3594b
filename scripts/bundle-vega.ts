/** Puts everything that the built `report/vega.js` imports into it. */
import { join } from "node:path";
import { build } from "esbuild";

const file = join(import.meta.dirname, "..", "dist", "report", "vega.js");

await build({
  entryPoints: [file],
  outfile: file,
  allowOverwrite: true,
  bundle: true,
  format: "esm",
  platform: "node",
  target: "node20",
  // Asked for at run time and done without: pictures are drawn by resvg.
  external: ["canvas"],
  legalComments: "none",
  logLevel: "warning",
});
