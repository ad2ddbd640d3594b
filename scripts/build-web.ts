/**
 * Bundles the scripts and styles of pages, with every library inside, into dist/web: one file each, that need no network and
 * no `eval`. Beside them the licences of what is inside.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { build } from "esbuild";
import { licensesText } from "./licenses.js";

const root = join(import.meta.dirname, "..");
const outdir = join(root, "dist", "web");

const { metafile } = await build({
  absWorkingDir: root,
  entryPoints: [
    { in: "web/report/main.ts", out: "report" },
    { in: "web/report/report.css", out: "report" },
    { in: "web/serve/main.ts", out: "serve" },
    { in: "web/serve/serve.css", out: "serve" },
  ],
  outdir,
  bundle: true,
  format: "iife",
  platform: "browser",
  target: "es2022",
  tsconfig: "web/tsconfig.json",
  minify: true,
  charset: "ascii",
  legalComments: "none",
  metafile: true,
  logLevel: "warning",
});

// The report's text goes into an HTML element as it is, and its hash must be that of what a browser reads there.
for (const file of ["report.js", "report.css"]) {
  const text = readFileSync(join(outdir, file), "utf8");
  if (/<\/(script|style)|<!--|[\r\0]/i.test(text)) throw new Error(`${file} cannot stand in HTML as it is`);
}
writeFileSync(join(outdir, "licenses.txt"), licensesText(root, metafile));
