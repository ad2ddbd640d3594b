import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { packageRoot } from "../base/program.js";

/** The pages' own files, which `npm run build` makes from `web/serve/`. No other file is ever sent as it is on disk. */
const FILES: Readonly<Record<string, string>> = {
  "serve.css": "text/css; charset=utf-8",
  "serve.js": "text/javascript; charset=utf-8",
};

export interface Asset {
  readonly type: string;
  readonly content: string;
}

/** By file name. Throws if the package is incomplete or was never built. */
export async function readAssets(): Promise<ReadonlyMap<string, Asset>> {
  const entries = Object.entries(FILES).map(async ([name, type]): Promise<[string, Asset]> => {
    const content = await readFile(join(packageRoot(), "dist", "web", name), "utf8");
    return [name, { type, content }];
  });
  return new Map(await Promise.all(entries));
}
