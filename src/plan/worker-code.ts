import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { join, relative, sep } from "node:path";

/** The code that a trial process runs. The rest of the package (what notebooks import) cannot change a measured value. */
const WORKER_CODE = /^falcon_exp\/(__init__\.py|(worker|schema)\/.*\.(py|json))$/;

/**
 * Hex SHA-256 of the worker's sources below `pythonFolder`, as the worker itself computes it
 * (falcon_exp/worker/environment.py): one line `path NUL hash` per file, sorted by path.
 */
export async function workerCodeSha256(pythonFolder: string): Promise<string> {
  const entries = await readdir(join(pythonFolder, "falcon_exp"), { recursive: true, withFileTypes: true });
  const files = entries
    .filter((entry) => entry.isFile())
    .map((entry) => relative(pythonFolder, join(entry.parentPath, entry.name)).split(sep).join("/"))
    .filter((path) => WORKER_CODE.test(path) && !path.includes("__pycache__"))
    .sort((a, b) => (a < b ? -1 : 1));
  const total = createHash("sha256");
  for (const path of files) {
    const digest = createHash("sha256")
      .update(await readFile(join(pythonFolder, path)))
      .digest("hex");
    total.update(`${path}\0${digest}\n`);
  }
  return total.digest("hex");
}
