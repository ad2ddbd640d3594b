import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/**
 * The folder of falcon-exp's own package.json, from `src/` and from `dist/` alike. Throws when the package was
 * torn apart.
 */
export function packageRoot(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, "package.json"))) {
    const parent = dirname(folder);
    if (parent === folder) throw new Error("falcon-exp's package.json is missing; install it again");
    folder = parent;
  }
  return folder;
}
