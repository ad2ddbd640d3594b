import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { packageRoot } from "../base/package-root.js";

/** The pages' own files, in `web/serve/`. Nothing else is ever sent as it lies on the disk. */
const FILES: Readonly<Record<string, string>> = {
  "style.css": "text/css; charset=utf-8",
  "page.js": "text/javascript; charset=utf-8",
};

export interface Asset {
  readonly type: string;
  readonly content: string;
}

/** By name. Throws when the package was torn apart. */
export async function readAssets(): Promise<ReadonlyMap<string, Asset>> {
  const entries = Object.entries(FILES).map(async ([name, type]): Promise<[string, Asset]> => {
    const content = await readFile(join(packageRoot(), "web", "serve", name), "utf8");
    return [name, { type, content }];
  });
  return new Map(await Promise.all(entries));
}
