import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { packageRoot } from "../base/program.js";

/** The pages' own files, from `web/serve/` by `npm run build`. Nothing else is ever sent as it lies on the disk. */
const FILES: Readonly<Record<string, string>> = {
  "serve.css": "text/css; charset=utf-8",
  "serve.js": "text/javascript; charset=utf-8",
};

export interface Asset {
  readonly type: string;
  readonly content: string;
}

/** By name. Throws when the package was torn apart, or never built. */
export async function readAssets(): Promise<ReadonlyMap<string, Asset>> {
  const entries = Object.entries(FILES).map(async ([name, type]): Promise<[string, Asset]> => {
    const content = await readFile(join(packageRoot(), "dist", "web", name), "utf8");
    return [name, { type, content }];
  });
  return new Map(await Promise.all(entries));
}
