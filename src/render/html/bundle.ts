/** The page's own script and style, which `npm run build` bundles into dist/web/ with all libraries included. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { packageRoot } from "../../base/program.js";

export interface PageBundle {
  readonly script: string;
  readonly style: string;
}

/** Throws an Error that says what to do if the bundle was never built. */
export async function readPageBundle(folder = join(packageRoot(), "dist", "web")): Promise<PageBundle> {
  try {
    const [script, style] = await Promise.all(
      ["report.js", "report.css"].map((file) => readFile(join(folder, file), "utf8")),
    );
    return { script: script ?? "", style: style ?? "" };
  } catch (cause) {
    throw new Error(`${folder} has no report.js and report.css; npm run build makes them`, { cause });
  }
}
