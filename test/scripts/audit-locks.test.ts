import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { npmProblems, pipProblems } from "../../scripts/audit-locks.js";

const root = fileURLToPath(new URL("../../", import.meta.url));
const SHA512 = `sha512-${"A".repeat(86)}==`;
const HASH = `--hash=sha256:${"0".repeat(64)}`;

const makeLock = (entry: object) => JSON.stringify({ packages: { "": {}, "node_modules/x": entry } });
const whole = { version: "1.0.0", integrity: SHA512, license: "MIT" };

test("the lock files of this project are whole", () => {
  const read = (path: string) => readFileSync(`${root}${path}`, "utf8");
  expect(npmProblems(read("package.json"), read("package-lock.json"))).toEqual([]);
  const locks = readdirSync(`${root}python/requirements`).filter((name) => name.endsWith(".lock"));
  expect(locks.length).toBeGreaterThan(3);
  for (const name of locks) expect(pipProblems(name, read(`python/requirements/${name}`))).toEqual([]);
});

test("a whole package is no problem", () => {
  expect(npmProblems('{"dependencies": {"x": "1.0.0"}}', makeLock(whole))).toEqual([]);
});

test.each([
  ["no hash", { ...whole, integrity: undefined }, "no sha512 hash"],
  ["a weak hash", { ...whole, integrity: "sha1-abc" }, "no sha512 hash"],
  ["a git address", { ...whole, resolved: "git+ssh://git@host/x.git#1" }, "registry"],
  ["a file", { ...whole, resolved: "file:../x" }, "registry"],
  ["a link", { link: true, license: "MIT" }, "link to a folder"],
  ["a script of its own", { ...whole, hasInstallScript: true }, "script"],
  ["an unknown licence", { ...whole, license: "GPL-3.0" }, "GPL-3.0"],
  ["no licence", { ...whole, license: undefined }, "licence"],
])("a locked package with %s is a problem", (_name, entry, words) => {
  expect(npmProblems("{}", makeLock(entry))).toEqual([expect.stringContaining(words)]);
});

test.each(["^1.0.0", "latest", "git+https://host/x", "file:../x", "https://host/x.tgz"])(
  "asking for %s is a problem",
  (version) => {
    const manifest = JSON.stringify({ devDependencies: { x: version } });
    expect(npmProblems(manifest, makeLock(whole))).toEqual([expect.stringContaining(version)]);
  },
);

test.each([
  [`x==1.0 \\\n    ${HASH}\n`, []],
  ["x==1.0\n", ["a.lock: x==1.0 has no sha256 hash"]],
  [`x>=1.0 ${HASH}\n`, ["a.lock: x>=1.0 is not one version of the index"]],
  ["git+https://host/x\n", ["a.lock: git+https://host/x is not one version of the index"]],
  ["# nothing\n", ["a.lock: holds no requirement"]],
])("the pip lock %j has the problems %j", (text, problems) => {
  expect(pipProblems("a.lock", text)).toEqual(problems);
});

test("torch alone may go without hashes, and only in its own lock", () => {
  expect(pipProblems("torch.lock", "torch==2.13.0\n")).toEqual([]);
  expect(pipProblems("torch.lock", "numpy==2.0.0\n")).toHaveLength(1);
  expect(pipProblems("worker.lock", "torch==2.13.0\n")).toHaveLength(1);
});
