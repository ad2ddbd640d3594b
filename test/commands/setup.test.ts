import { existsSync } from "node:fs";
import { expect, test } from "vitest";
import { fakeMachine } from "../python-env/fake.js";
import { falconExp } from "./cli.js";

/** The environment of a user of the fake machine, without the FALCON_EXP_PYTHON of the person who runs the tests. */
function findUser(machine: ReturnType<typeof fakeMachine>) {
  return { env: { ...machine.env, FALCON_EXP_HOME: machine.home, FALCON_EXP_PYTHON: "" } };
}

test("setup says each step as a plain line, then where things lie; the second time that it looked", async () => {
  const machine = fakeMachine();
  const first = await falconExp(["setup"], findUser(machine));
  expect(first.exitCode, first.stderr).toBe(0);
  expect(first.stderr.split("\n").slice(0, 3)).toEqual([
    "Setting up, once for all projects of this user:",
    "  [1/5] virtual environment",
    "  [2/5] torch (the largest download)",
  ]);
  expect(first.stderr).not.toContain("\u001b");
  expect(first.stdout).toContain(`Python environment: ${machine.home}`);
  const second = await falconExp(["setup"], findUser(machine));
  expect(second).toMatchObject({ exitCode: 0, stdout: first.stdout });
  expect(second.stderr).toMatch(/^ {2}checking what is installed\nReady after .*\n$/);
});

test("setup --json prints the places and nothing else", async () => {
  const machine = fakeMachine();
  const { stdout } = await falconExp(["setup", "--json"], findUser(machine));
  const said = JSON.parse(stdout);
  expect(Object.keys(said)).toEqual(["python", "python_path", "builtin_model", "home", "managed"]);
  expect(said.managed).toBe(true);
  expect(existsSync(said.python)).toBe(true);
  expect(existsSync(said.builtin_model)).toBe(true);
});

test("setup --no-model leaves the embedded model out", async () => {
  const machine = fakeMachine();
  const { stdout } = await falconExp(["setup", "--no-model", "--json"], findUser(machine));
  expect(JSON.parse(stdout).builtin_model).toBeNull();
  expect(machine.calls().join()).not.toContain("prepare_builtin");
});

test("a set-up that fails exits with 6 and says what to do", async () => {
  const machine = fakeMachine({ FAKE_FAIL: "torch.lock" });
  const { exitCode, stderr } = await falconExp(["setup"], findUser(machine));
  expect(exitCode).toBe(6);
  expect(stderr).toContain("error setup-install-failed");
  expect(stderr).toContain("next: ");
});
