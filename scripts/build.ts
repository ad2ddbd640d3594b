/**
 * Makes two bundles in dist, each with the licences of the packages inside:
 *
 * - the program: a few files with what every command needs, and chunks that load only with the commands that need them, because
 *   Node takes longer to open several hundred small files than most commands take to run.
 * - dist/web, the scripts and styles of pages: one file each, which needs no network and no `eval`.
 */
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type BuildOptions, build } from "esbuild";
import { BANNER, ENGLISH_ALONE, UNBUNDLED } from "./bundling.js";
import { licensesText } from "./licenses.js";

const root = join(import.meta.dirname, "..");
const dist = join(root, "dist");
const web = join(dist, "web");

async function bundle(outdir: string, options: BuildOptions): Promise<void> {
  const { metafile } = await build({
    absWorkingDir: root,
    outdir,
    bundle: true,
    legalComments: "none",
    logLevel: "warning",
    ...options,
    metafile: true,
  });
  writeFileSync(join(outdir, "licenses.txt"), licensesText(root, metafile));
}

rmSync(dist, { recursive: true, force: true });

await bundle(dist, {
  entryPoints: [
    { in: "src/cli.ts", out: "cli" },
    // Threads start from files of their own (`imports` in package.json).
    { in: "src/render/charts/svg-thread.ts", out: "svg-thread" },
    { in: "src/render/charts/png-thread.ts", out: "png-thread" },
  ],
  splitting: true,
  format: "esm",
  platform: "node",
  target: "node20",
  chunkNames: "chunks/[name]-[hash]",
  external: [...UNBUNDLED],
  plugins: [ENGLISH_ALONE],
  banner: { js: BANNER },
});

await bundle(web, {
  entryPoints: [
    { in: "web/report/main.ts", out: "report" },
    { in: "web/report/report.css", out: "report" },
    { in: "web/serve/main.ts", out: "serve" },
    { in: "web/serve/serve.css", out: "serve" },
  ],
  format: "iife",
  platform: "browser",
  target: "es2022",
  tsconfig: "web/tsconfig.json",
  minify: true,
  charset: "ascii",
});

// These texts are put into HTML elements of the report unchanged, and their hashes must match what a browser reads there.
for (const file of ["report.js", "report.css"]) {
  const text = readFileSync(join(web, file), "utf8");
  if (/<\/(script|style)|<!--|[\r\0]/i.test(text)) throw new Error(`${file} cannot stand in HTML as it is`);
}
