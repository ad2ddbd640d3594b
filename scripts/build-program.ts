/**
 * Bundles the program into dist: what every command needs in few files, a command's own in a chunk that loads with it. Node
 * takes longer to open several hundred small files than most commands take.
 */
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { build } from "esbuild";
import { BANNER, UNBUNDLED } from "./bundling.js";
import { licensesText } from "./licenses.js";

const root = join(import.meta.dirname, "..");
const outdir = join(root, "dist");
rmSync(outdir, { recursive: true, force: true });

const { metafile } = await build({
  absWorkingDir: root,
  entryPoints: [
    { in: "src/cli.ts", out: "cli" },
    // Threads start from files of their own: `imports` in package.json.
    { in: "src/render/charts/svg-thread.ts", out: "svg-thread" },
    { in: "src/render/charts/png-thread.ts", out: "png-thread" },
  ],
  outdir,
  bundle: true,
  splitting: true,
  format: "esm",
  platform: "node",
  target: "node20",
  chunkNames: "chunks/[name]-[hash]",
  external: [...UNBUNDLED],
  banner: { js: BANNER },
  legalComments: "none",
  metafile: true,
  logLevel: "warning",
});
writeFileSync(join(outdir, "licenses.txt"), licensesText(root, metafile));
