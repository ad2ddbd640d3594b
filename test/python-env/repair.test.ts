/** For each kind of damage, on the same machine: what `doctor` says, what `setup` does, and what `doctor` says afterwards. */
import { createHash } from "node:crypto";
import {
  appendFileSync,
  chmodSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { examine } from "../../src/commands/doctor-report.js";
import { ensureEnvironment } from "../../src/python-env/ensure.js";
import { type FakeMachine, fakeMachine, packageRoot } from "./fake.js";

interface Place {
  /** The folder that the packages are installed in. */
  readonly packages: string;
  readonly venv: string;
  readonly model: string;
}

function setUp() {
  return ensureEnvironment({
    home: machine.home,
    packageRoot,
    python: null,
    needsBuiltinModel: true,
    extras: [],
    verify: true,
    env: machine.env,
    onProgress: () => {},
  });
}

async function findPlace(): Promise<Place> {
  const { python, builtinModelPath } = await setUp();
  const venv = dirname(dirname(python));
  return { venv, packages: join(venv, "lib/python3.11/site-packages"), model: builtinModelPath ?? "" };
}

async function examineMachine() {
  const pythonPath = join(packageRoot, "python");
  const report = await examine({ home: machine.home, pythonPath, python: null, env: machine.env });
  return { canRun: report.can_run, wrong: report.findings.filter(({ ok }) => !ok) };
}

const findNotes = ({ packages }: Place, name: string) =>
  join(packages, readdirSync(packages).find((one) => one.startsWith(`${name}-`)) ?? "");

/** What is damaged → how, what doctor says about it, and whether the environment has to be made anew. */
const DAMAGE: Readonly<Record<string, { how: (place: Place) => void; says: RegExp; isMadeAnew?: true }>> = {
  "a package's file is deleted": {
    how: ({ packages }) => rmSync(join(packages, "pyzmq/__init__.py")),
    says: /pyzmq has 1 missing or changed file: pyzmq\/__init__\.py/,
  },
  "a package's file is truncated": {
    how: ({ packages }) => truncateSync(join(packages, "torch/__init__.py"), 3),
    says: /torch has 1 missing or changed file/,
  },
  "a package's file has other bytes": {
    how: ({ packages }) => {
      const file = join(packages, "safetensors/__init__.py");
      writeFileSync(file, readFileSync(file, "utf8").toUpperCase());
    },
    says: /safetensors has 1 missing or changed file/,
  },
  "a package is gone": {
    how: (place) => rmSync(findNotes(place, "psutil"), { recursive: true }),
    says: /psutil is missing/,
  },
  "a package is of another version": {
    how: (place) => renameSync(findNotes(place, "psutil"), join(place.packages, "psutil-1.0.dist-info")),
    says: /psutil .*(is 1\.0, needed 7|missing or changed)/,
  },
  "pip's list of a package is gone": {
    how: (place) => rmSync(join(findNotes(place, "accelerate"), "RECORD")),
    says: /accelerate is missing its list of installed files/,
  },
  "a file that pip knows nothing of breaks imports": {
    how: ({ packages }) => writeFileSync(join(packages, "stray.py"), ""),
    says: /torch cannot be imported: ImportError: a stray file/,
    isMadeAnew: true,
  },
  "the interpreter cannot be started": {
    how: ({ venv }) => chmodSync(join(venv, "bin/python"), 0o644),
    says: /cannot be used/,
    isMadeAnew: true,
  },
  "the interpreter is gone": {
    how: ({ venv }) => rmSync(join(venv, "bin/python")),
    says: /^$/,
    isMadeAnew: true,
  },
  "the model's weights have other bytes": {
    how: ({ model }) => writeFileSync(join(model, "model.safetensors"), "WEIGHTS"),
    says: /the checksum of model\.safetensors has changed/,
  },
  "the model's weights are truncated": {
    how: ({ model }) => truncateSync(join(model, "model.safetensors"), 3),
    says: /the size of model\.safetensors has changed/,
  },
  "the model's list of files is garbled": {
    how: ({ model }) => writeFileSync(join(model, "manifest.json"), "{"),
    says: /JSON/,
  },
};

/** Shared by all tests in this file: each kind of damage is done to what was repaired after the one before. */
let machine: FakeMachine;
let home: string;
beforeAll(() => {
  home = mkdtempSync(join(tmpdir(), "falcon-exp-test-"));
  machine = fakeMachine({}, home);
});
afterAll(() => rmSync(home, { recursive: true }));

test("a proxy's certificate that somebody has added is no damage", async () => {
  const { packages } = await findPlace();
  const notes = findNotes({ packages, venv: "", model: "" }, "certifi");
  const pem = join(packages, "certifi/cacert.pem");
  writeFileSync(pem, "of everybody\nof the proxy\n");
  const sha256 = createHash("sha256").update("of everybody\n").digest("base64url");
  appendFileSync(join(notes, "RECORD"), `certifi/cacert.pem,sha256=${sha256},13\n`);
  expect(await examineMachine()).toEqual({ canRun: true, wrong: [] });
  await setUp();
  expect(readFileSync(pem, "utf8")).toContain("of the proxy");
});

test.each(Object.keys(DAMAGE))("%s: doctor says so, setup mends it, and doctor is content", async (kind) => {
  const { how, says, isMadeAnew } = DAMAGE[kind] as (typeof DAMAGE)[string];
  how(await findPlace());
  const { canRun, wrong } = await examineMachine();
  const said = wrong.map(({ detail }) => detail).join("\n");
  expect(said).toMatch(says);
  // An environment whose interpreter is missing is no defect, because a run makes it anew by itself.
  expect(canRun).toBe(said === "");
  for (const { next } of wrong) expect(next).toContain("falcon-exp setup");
  const before = machine.calls().length;
  await setUp();
  expect(await examineMachine()).toEqual({ canRun: true, wrong: [] });
  const calls = machine.calls().slice(before).join("\n");
  expect(calls.includes("-m venv"), calls).toBe(isMadeAnew === true);
});
