import { join } from "node:path";
import { expect, test } from "vitest";
import {
  countOne,
  type Outcome,
  runCommand,
  runSideBySide,
  type Say,
  type Step,
} from "../../scripts/steps.js";
import { packageRoot } from "../../src/base/program.js";

/** A step that waits to be told what to say and when to end. */
function heldStep(name: string) {
  let end: (outcome: Outcome) => void = () => {};
  const ended = new Promise<Outcome>((resolve) => {
    end = resolve;
  });
  let start: (say: Say) => void = () => {};
  const started = new Promise<Say>((resolve) => {
    start = resolve;
  });
  const step: Step = {
    name,
    run: (say) => {
      start(say);
      return ended;
    },
  };
  return { step, started, end: (outcome = countOne(true)) => end(outcome) };
}

test("a step that comes after another waits for its end, however many may run at a time", async () => {
  const [first, other] = [heldStep("first"), heldStep("other")];
  let isOver = false;
  const second: Step = {
    name: "second",
    after: first.step,
    run: async () => {
      expect(isOver).toBe(true);
      return countOne(true);
    },
  };
  const results = runSideBySide([first.step, second, other.step], {
    limit: 3,
    skipsFail: true,
    write: () => {},
  });
  await Promise.all([first.started, other.started]);
  isOver = true;
  first.end();
  other.end();
  expect((await results).map(({ name, failed }) => [name, failed])).toEqual([
    ["first", 0],
    ["second", 0],
    ["other", 0],
  ]);
});

function runHeld(names: readonly string[], limit: number) {
  const texts: string[] = [];
  const held = names.map(heldStep);
  const results = runSideBySide(
    held.map(({ step }) => step),
    { limit, skipsFail: true, write: (text) => void texts.push(text) },
  );
  return { held, results, written: () => texts.join("").replaceAll(/\(\d+ s\)/g, "(0 s)") };
}

test("of steps side by side the first says at once what it has to say, and the next once it has ended", async () => {
  const { held, results, written } = runHeld(["one", "two"], 2);
  const [one, two] = held as [(typeof held)[0], (typeof held)[0]];
  (await two.started)("b1\n");
  (await one.started)("a1\n");
  expect(written()).toBe("\n── one\na1\n");
  two.end(countOne(false));
  (await one.started)("a2\n");
  one.end();
  const [first, second] = await results;
  expect(written()).toBe("\n── one\na1\na2\n   ok (0 s)\n\n── two\nb1\n   FAILED (0 s)\n");
  expect([first?.name, first?.failed, second?.name, second?.failed]).toEqual(["one", 0, "two", 1]);
});

test("no more steps run at a time than the limit allows", async () => {
  const { held, results, written } = runHeld(["one", "two", "three"], 2);
  const begun: string[] = [];
  for (const { step, started } of held) void started.then(() => begun.push(step.name));
  await Promise.all([held[0]?.started, held[1]?.started]);
  expect(begun).toEqual(["one", "two"]);
  held[1]?.end();
  await held[2]?.started;
  expect(written()).toBe("\n── one\n");
  for (const { end } of held) end();
  expect(await results).toHaveLength(3);
});

test("a step that throws has failed with the error as its last words, and a skip that is not excused fails", async () => {
  const texts: string[] = [];
  const skipped = { passed: 1, failed: 0, skipped: ["x: no disk", "y: no GPU"], excused: 1 };
  const steps: Step[] = [
    { name: "breaks", run: () => Promise.reject(new Error("no such report")) },
    { name: "skips", run: async () => skipped },
  ];
  const write = (text: string) => void texts.push(text);
  const strict = await runSideBySide(steps, { limit: 1, skipsFail: true, write });
  expect(strict.map(({ failed }) => failed)).toEqual([1, 1]);
  expect(texts.join("")).toMatch(
    /Error: no such report\n[\s\S]*FAILED[\s\S]*skipped: x: no disk\nskipped: y: no GPU\n/,
  );
  const lenient = await runSideBySide(steps, { limit: 1, skipsFail: false, write });
  expect(lenient.map(({ failed }) => failed)).toEqual([1, 0]);
});

test.each([
  [
    "prints on both streams and exits with 0",
    ["-e", "console.log('out'); console.error('err')"],
    true,
    /out\n/,
  ],
  ["exits with 3", ["-e", "console.error('no'); process.exit(3)"], false, /^no\n$/],
  ["is killed", ["-e", "process.kill(process.pid, 'SIGKILL')"], false, /SIGKILL/],
])("of a command that %s all is said", async (_what, args, succeeds, said) => {
  const lines: string[] = [];
  const ok = await runCommand((text) => lines.push(text), process.execPath, args, { cwd: packageRoot() });
  expect(ok).toBe(succeeds);
  expect(lines.join("")).toMatch(said);
});

test("a command that is not there is named", async () => {
  const lines: string[] = [];
  const file = join(packageRoot(), "no-such-program");
  expect(await runCommand((text) => lines.push(text), file, [], { cwd: packageRoot() })).toBe(false);
  expect(lines.join("")).toContain("no-such-program");
});
