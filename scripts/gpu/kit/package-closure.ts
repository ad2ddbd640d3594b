/** Finds the installed packages that given packages need at run time. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

interface Manifest {
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

/**
 * `roots` and their dependencies, as far as they are in `nodeModules`, sorted. A root that is not there is left out, and so is
 * a dependency for another platform. A package inside another package is copied together with the outer one.
 */
export function listPackageClosure(nodeModules: string, roots: readonly string[]): readonly string[] {
  const found = new Set<string>();
  const open = [...roots];
  for (let name = open.pop(); name !== undefined; name = open.pop()) {
    const manifestFile = join(nodeModules, name, "package.json");
    if (found.has(name) || !existsSync(manifestFile)) continue;
    found.add(name);
    const { dependencies = {}, optionalDependencies = {} } = JSON.parse(
      readFileSync(manifestFile, "utf8"),
    ) as Manifest;
    open.push(...Object.keys(dependencies), ...Object.keys(optionalDependencies));
  }
  return [...found].sort();
}
