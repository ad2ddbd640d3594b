/** Checks what the lock files alone can tell. Needs no network and always runs. */
import { z } from "zod";

/** Packages whose install scripts are known and wanted (docs/security.md). */
const INSTALL_SCRIPTS: ReadonlySet<string> = new Set(["@swc/core", "esbuild", "zeromq"]);
/** Licences of packages that may be shipped together with this project. */
const LICENCES =
  /^(0BSD|Apache-2\.0|BlueOak-1\.0\.0|BSD-[23]-Clause|CC0-1\.0|ISC|MIT|MPL-2\.0|Python-2\.0|Unlicense)$/;
/** Packages that name their licence only in a file, which a person has read. */
const READ_LICENCES: ReadonlySet<string> = new Set(["dejavu-fonts-ttf"]);

const npmLockSchema = z.looseObject({
  packages: z.record(
    z.string(),
    z.looseObject({
      version: z.string().optional(),
      resolved: z.string().optional(),
      integrity: z.string().optional(),
      link: z.boolean().optional(),
      hasInstallScript: z.boolean().optional(),
      license: z.string().optional(),
    }),
  ),
});

const manifestSchema = z.looseObject({
  dependencies: z.record(z.string(), z.string()).default({}),
  devDependencies: z.record(z.string(), z.string()).default({}),
  optionalDependencies: z.record(z.string(), z.string()).default({}),
});

/** What is wrong with package.json and package-lock.json of `folder` ("" = the project's), one sentence per problem. */
export function npmProblems(manifestText: string, lockText: string, folder = ""): readonly string[] {
  const manifest = manifestSchema.parse(JSON.parse(manifestText));
  const { packages } = npmLockSchema.parse(JSON.parse(lockText));
  const asked = Object.entries({
    ...manifest.dependencies,
    ...manifest.devDependencies,
    ...manifest.optionalDependencies,
  });
  const loose = asked.filter(([, version]) => !/^\d+\.\d+\.\d+(-[\w.]+)?$/.test(version));
  const locked = Object.entries(packages).filter(([path]) => path !== "");
  return [
    ...loose.map(
      ([name, version]) =>
        `${folder}package.json: ${name} is not an exact version of the registry: ${version}`,
    ),
    ...locked.flatMap(([path, entry]) => {
      const name = path.slice(path.lastIndexOf("node_modules/") + "node_modules/".length);
      const problems: string[] = [];
      if (entry.link === true) problems.push("is a link to a folder");
      else if (!/^sha512-[A-Za-z0-9+/]+=*$/.test(entry.integrity ?? "")) problems.push("has no sha512 hash");
      if (/^(git|file|http:)/.test(entry.resolved ?? "")) problems.push(`does not come from the registry`);
      if (entry.hasInstallScript === true && !INSTALL_SCRIPTS.has(name)) {
        problems.push("runs a script when it is installed, and is not on the list of those that may");
      }
      if (!isKnownLicence(entry.license) && !READ_LICENCES.has(name)) {
        problems.push(`has a licence that nobody has looked at: ${entry.license ?? "none"}`);
      }
      return problems.map((problem) => `${folder}package-lock.json: ${name} ${problem}`);
    }),
  ];
}

function isKnownLicence(licence: string | undefined): boolean {
  const alternatives = (licence ?? "").replaceAll(/[()]/g, "").split(" OR ");
  return alternatives.some((one) => one.split(" AND ").every((part) => LICENCES.test(part)));
}

/** What is wrong with a pip lock: every requirement must be a single version from the index, with its hashes. */
export function pipProblems(name: string, text: string): readonly string[] {
  const requirements = text
    .replaceAll(/\\\r?\n/g, " ")
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "" && !line.startsWith("#"));
  if (requirements.length === 0) return [`${name}: holds no requirement`];
  return requirements.flatMap((requirement) => {
    const [what = ""] = requirement.split(/\s/);
    if (!/^[A-Za-z0-9._-]+(\[[\w,.-]+\])?==[\w.!+]+$/.test(what))
      return [`${name}: ${what} is not one version of the index`];
    // pip picks the build of torch for the machine, so no single hash fits (docs/security.md).
    const isTorch = name === "torch.lock" && what.startsWith("torch==");
    const isHashed = /--hash=sha256:[0-9a-f]{64}\b/.test(requirement);
    return isTorch || isHashed ? [] : [`${name}: ${what} has no sha256 hash`];
  });
}
