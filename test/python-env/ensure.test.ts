import { existsSync, readFileSync, utimesSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { execa } from "execa";
import { expect, test, vi } from "vitest";
import { ensureEnvironment } from "../../src/python-env/ensure.js";
import type { Extra } from "../../src/python-env/state-file.js";
import type { SetupProgress } from "../../src/python-env/types.js";
import { collectErrors } from "../fixtures/experiments.js";
import { type FakeMachine, fakeMachine, packageRoot } from "./fake.js";

function ensure(
  machine: FakeMachine,
  options: {
    env?: Record<string, string>;
    python?: string;
    extras?: readonly Extra[];
    verify?: boolean;
  } = {},
) {
  const said: SetupProgress[] = [];
  const ready = ensureEnvironment({
    home: machine.home,
    packageRoot,
    python: options.python ?? null,
    needsBuiltinModel: true,
    extras: options.extras ?? [],
    verify: options.verify ?? false,
    env: { ...machine.env, ...options.env },
    onProgress: (progress) => void said.push(progress),
  });
  return { ready, said };
}

const kinds = (calls: readonly string[]) =>
  calls.map(
    (call) => /venv|torch\.lock|worker\.lock|model\.lock|check_environment|prepare_builtin/.exec(call)?.[0],
  );
const EVERYTHING = [
  "venv",
  "torch.lock",
  "worker.lock",
  "model.lock",
  "check_environment",
  "prepare_builtin",
];

test("everything is made once, in order, and the second time nothing is started", async () => {
  const machine = fakeMachine();
  const { ready, said } = ensure(machine);
  const made = await ready;
  expect(made.managed).toBe(true);
  expect(existsSync(made.python)).toBe(true);
  expect(existsSync(join(made.builtinModelPath ?? "", "model.safetensors"))).toBe(true);
  expect(kinds(machine.calls())).toEqual(EVERYTHING);
  expect(said.map(({ detail }) => detail)).toContain("downloading torch-2.13.0 (190.4 MB)");
  expect(await ensure(machine).ready).toEqual(made);
  expect(machine.calls()).toHaveLength(EVERYTHING.length);
});

test("only torch, whose build differs by machine, is installed without checking hashes", async () => {
  const machine = fakeMachine();
  await ensure(machine).ready;
  const installs = machine.calls().filter((call) => call.startsWith("-m pip install"));
  expect(installs.map((call) => call.includes("--require-hashes"))).toEqual([false, true, true]);
});

test("an extra is added to an environment that is there, once, with checked hashes, and nothing else is made anew", async () => {
  const machine = fakeMachine();
  await ensure(machine).ready;
  const before = machine.calls().length;
  const { ready, said } = ensure(machine, { extras: ["mlflow"] });
  await ready;
  const added = machine.calls().slice(before);
  expect(added).toEqual([
    expect.stringMatching(/pip install .*--require-hashes --no-deps -r .*mlflow\.lock$/),
  ]);
  expect(said.map(({ step }) => step)).toContain("mlflow");
  await ensure(machine, { extras: ["mlflow"] }).ready;
  expect(machine.calls()).toHaveLength(before + 1);
});

test("steps that only another version knows leave the environment as it is", async () => {
  const machine = fakeMachine();
  const { python } = await ensure(machine).ready;
  const statePath = join(dirname(python), "..", "..", "state.json");
  const state = JSON.parse(readFileSync(statePath, "utf8"));
  writeFileSync(statePath, JSON.stringify({ ...state, done: [...state.done, "of-tomorrow"] }));
  const before = machine.calls().length;
  await ensure(machine).ready;
  expect(machine.calls()).toHaveLength(before);
});

test("a step that fails is named with pip's last words, and the next set-up goes on there", async () => {
  const machine = fakeMachine();
  const [error] = await collectErrors(() => ensure(machine, { env: { FAKE_FAIL: "worker.lock" } }).ready);
  expect(error).toMatchObject({ code: "setup-install-failed", exitCode: 6 });
  expect(error?.message).toContain("no matching distribution found");
  const before = machine.calls().length;
  await ensure(machine).ready;
  expect(kinds(machine.calls().slice(before))).toEqual(EVERYTHING.slice(2));
});

test("a set-up that is killed leaves a lock that the next one sees through, and work that it continues", async () => {
  const machine = fakeMachine();
  const script = [
    `import { ensureEnvironment } from ${JSON.stringify(join(packageRoot, "src/python-env/ensure.ts"))};`,
    `await ensureEnvironment(${JSON.stringify({
      home: machine.home,
      packageRoot,
      python: null,
      needsBuiltinModel: true,
      extras: [],
      verify: false,
      env: { ...machine.env, FAKE_HANG: "worker.lock" },
    })
      .slice(0, -1)
      .concat(", onProgress: () => {} }")});`,
  ].join("\n");
  const file = join(machine.home, "..", "set-up.mts");
  writeFileSync(file, script);
  const killed = execa(process.execPath, ["--import", import.meta.resolve("tsx"), file], {
    reject: false,
    detached: true,
  });
  await vi.waitFor(() => expect(kinds(machine.calls())).toContain("worker.lock"), { timeout: 60_000 });
  process.kill(-(killed.pid ?? 0), "SIGKILL");
  await killed;
  const { ready, said } = ensure(machine);
  await ready;
  expect(kinds(machine.calls())).toEqual([...EVERYTHING.slice(0, 3), ...EVERYTHING.slice(2)]);
  expect(said.map(({ step }) => step)).not.toContain("wait");
});

test("two set-ups at once make one environment; the second says whom it waits for", async () => {
  const machine = fakeMachine();
  const first = ensure(machine);
  const second = ensure(machine);
  await Promise.all([first.ready, second.ready]);
  expect(kinds(machine.calls())).toEqual(EVERYTHING);
  const waits = [...first.said, ...second.said].filter(({ step }) => step === "wait");
  expect(waits.map(({ detail }) => detail)).toEqual([expect.stringMatching(/^waiting for another set-up/)]);
});

test("a damaged model is made again, an undamaged environment is not", async () => {
  const machine = fakeMachine();
  const { builtinModelPath } = await ensure(machine).ready;
  writeFileSync(join(builtinModelPath ?? "", "model.safetensors"), "wei");
  await ensure(machine).ready;
  expect(kinds(machine.calls())).toEqual([...EVERYTHING, "prepare_builtin"]);
});

test("a run reads every byte of the model when its files have changed, a set-up always", async () => {
  const machine = fakeMachine();
  const { builtinModelPath } = await ensure(machine).ready;
  const weights = join(builtinModelPath ?? "", "model.safetensors");
  // The size stays the same: the fake Python writes "weights" as the model.
  const damage = () => {
    writeFileSync(weights, "WEIGHTS");
    utimesSync(weights, 1e9, 1e9);
  };
  damage();
  await ensure(machine).ready;
  expect(readFileSync(weights, "utf8")).toBe("weights");
  utimesSync(weights, 1e9, 1e9);
  await ensure(machine).ready;
  damage();
  await ensure(machine).ready;
  expect(readFileSync(weights, "utf8")).toBe("WEIGHTS");
  await ensure(machine, { verify: true }).ready;
  expect(readFileSync(weights, "utf8")).toBe("weights");
});

test("a lab's own environment is checked, and nothing is installed into it", async () => {
  const machine = fakeMachine();
  const python = join(machine.env.PATH ?? "", "python3");
  const ready = await ensure(machine, { python }).ready;
  expect(ready).toMatchObject({ python, managed: false });
  expect(kinds(machine.calls())).toEqual(["check_environment", "prepare_builtin"]);
});

test("a lab's environment with wrong versions is refused with every package named", async () => {
  const problems = [
    { package: "transformers", found: "4.40.0", wanted: ">=5,<6" },
    { package: "bitsandbytes", found: null, wanted: ">=0.48" },
  ];
  const check = {
    python_version: "3.11.7",
    packages: {},
    problems,
    import_errors: null,
    machine: null,
    devices: null,
  };
  const machine = fakeMachine({ FAKE_CHECK: JSON.stringify(check) });
  const python = join(machine.env.PATH ?? "", "python3");
  const [error] = await collectErrors(() => ensure(machine, { python }).ready);
  expect(error?.code).toBe("setup-environment-unsuitable");
  expect(error?.message).toContain("transformers: 4.40.0, needed >=5,<6");
  expect(error?.message).toContain("bitsandbytes: missing, needed >=0.48");
});

test.each([
  [{ FAKE_VERSION: "3.9.2" }, "python3 is 3.9.2"],
  [{ FAKE_NO_VENV: "1" }, "python3-venv"],
  [{ PATH: "/nonexistent" }, "No Python"],
])("without a usable Python it says what it saw and what to install (%o)", async (env, words) => {
  const machine = fakeMachine();
  const [error] = await collectErrors(() => ensure(machine, { env: env as Record<string, string> }).ready);
  expect(error?.code).toBe("setup-python-missing");
  expect(`${error?.message} ${error?.next}`).toContain(words);
});

test("a cache folder that cannot be written is a user error", async () => {
  const machine = fakeMachine();
  writeFileSync(machine.home, "a file where the folder should be");
  const [error] = await collectErrors(() => ensure(machine).ready);
  expect(error?.code).toBe("setup-lock-failed");
});
