import { copyFileSync, existsSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { execa } from "execa";

const FILES = ["package.json", "package-lock.json"] as const;

/**
 * The path of the newest long-term Node, as test/node-lts locks it. It is installed in a folder of its own, because among the
 * project's dependencies its `bin/node` would come before the Node with which `npm run` was started. Null if there is no
 * package for this platform.
 */
export async function prepareNodeLts(root: string): Promise<string | null> {
  const folder = join(root, ".cache", "node-lts");
  const executable = join(folder, "node_modules", `node-${process.platform}-${process.arch}`, "bin", "node");
  if (!isCurrent(root, folder)) {
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder, { recursive: true });
    for (const name of FILES) copyFileSync(join(root, "test", "node-lts", name), join(folder, name));
    await execa("npm", ["ci", "--ignore-scripts", "--no-audit", "--no-fund"], { cwd: folder });
  }
  return existsSync(executable) ? executable : null;
}

/** Whether the installation is complete and current: npm writes `.package-lock.json` only when everything is installed. */
function isCurrent(root: string, folder: string): boolean {
  if (!existsSync(join(folder, "node_modules", ".package-lock.json"))) return false;
  return FILES.every(
    (name) =>
      readFileSync(join(folder, name), "utf8") === readFileSync(join(root, "test", "node-lts", name), "utf8"),
  );
}
