import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { listPackageClosure } from "../../../../scripts/gpu/kit/package-closure.js";

function installPackages(manifests: Readonly<Record<string, object>>): string {
  const folder = mkdtempSync(join(tmpdir(), "falcon-exp-closure-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  for (const [name, manifest] of Object.entries(manifests)) {
    mkdirSync(join(folder, name), { recursive: true });
    writeFileSync(join(folder, name, "package.json"), JSON.stringify(manifest));
  }
  return folder;
}

test("a package brings what it depends on, and what that depends on, once", () => {
  const folder = installPackages({
    a: { dependencies: { b: "1", "@c/d": "1" } },
    b: { dependencies: { a: "1", e: "1" } },
    "@c/d": { devDependencies: { f: "1" } },
    e: {},
    f: {},
    unrelated: {},
  });
  expect(listPackageClosure(folder, ["a"])).toEqual(["@c/d", "a", "b", "e"]);
});

test("what is for another platform is not installed, and left out", () => {
  const folder = installPackages({ a: { optionalDependencies: { linux: "1", windows: "1" } }, linux: {} });
  expect(listPackageClosure(folder, ["a", "missing"])).toEqual(["a", "linux"]);
});
