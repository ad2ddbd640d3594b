import { PassThrough } from "node:stream";
import fc from "fast-check";
import stringWidth from "string-width";
import { expect, test } from "vitest";
import type { LoadSession, Plan } from "../../../src/plan/plan-types.js";
import { createLiveDisplay } from "../../../src/render/live/live.js";
import { formatStatusLines } from "../../../src/render/live/live-lines.js";
import type { RunEvent } from "../../../src/run/events.js";
import { advance, initialState, secondsLeft } from "../../../src/run/live-state.js";
import { smallPlan } from "../../fixtures/plans.js";
import { failure, loadMeasurement, measurement, THREE } from "../../fixtures/records.js";

const plan = smallPlan(["none", "int8"], { trials: 2 });
const [none, int8] = plan.configurations as [
  (typeof plan.configurations)[0],
  (typeof plan.configurations)[0],
];
const findSession = (configuration: (typeof plan.configurations)[0]) =>
  plan.blocks[configuration.index] as (typeof plan.blocks)[0];
const listTrials = (id: string) => plan.trials.filter((trial) => trial.configuration_id === id);

/** The events of a whole run, each one second after the one before. */
const EVENTS: readonly RunEvent[] = [
  { type: "worker-starting" },
  ...[none, int8].flatMap((configuration): RunEvent[] => [
    { type: "configuration-started", configuration, session: findSession(configuration), trialsOver: 0 },
    {
      type: "configuration-loaded",
      configuration,
      load: loadMeasurement(THREE[0] as (typeof THREE)[0], "cpu"),
    },
    ...listTrials(configuration.worker.id).flatMap((trial): RunEvent[] => [
      { type: "trial-started", trial },
      { type: "progress", phase: "measure", detail: "generating", outputTokens: 3, tokensPerSec: 9.5 },
      { type: "trial-completed", trial, measurement: measurement() },
    ]),
    { type: "configuration-completed", configuration, session: findSession(configuration), elapsedSec: 8 },
  ]),
  { type: "run-ended", status: "completed", elapsedSec: 17 },
];

function makeClock(): { monotonicSec: () => number; now: () => Date; tick: () => void } {
  let second = 0;
  return {
    monotonicSec: () => second,
    now: () => new Date(0),
    tick: () => {
      second += 1;
    },
  };
}

function shown(isTty: boolean, events: readonly RunEvent[], columns = 80, of: Plan = plan): string {
  const stderr = new PassThrough();
  const clock = makeClock();
  const display = createLiveDisplay({
    io: { stderr, stderrIsTty: isTty, columns, color: isTty, clock },
    plan: of,
  });
  for (const event of events) {
    clock.tick();
    display.onEvent(event);
  }
  display.close();
  return String(stderr.read() ?? "");
}

test("off a terminal each event that matters is a plain line, with position, rate and time left", () => {
  const lines = shown(false, EVENTS).trimEnd().split("\n");
  expect(lines).toContain("[1/2] unquantized: loading");
  expect(lines.some((line) => /^\[2\/2\] int8: trial 1\/2 in .* tokens\/s, about .* left$/.test(line))).toBe(
    true,
  );
  expect(lines.at(-1)).toMatch(/^\[2\/2\] int8: done in 8\.0 s$/);
  expect(lines.join("")).not.toContain("\u001b");
});

test("a failed configuration is named with its code", () => {
  const events: RunEvent[] = [
    { type: "configuration-started", configuration: none, session: findSession(none), trialsOver: 0 },
    { type: "configuration-failed", configuration: none, session: findSession(none), failure: failure() },
  ];
  expect(shown(false, events)).toContain("[1/2] unquantized: failed: quantization-not-applied");
});

test("in a slice, loads are counted as its own, further ones included", () => {
  // As joinParts leaves it: the numbers are those of the whole plan.
  const slice = { ...plan, blocks: plan.blocks.map((one) => ({ ...one, index: one.index + 6 })) };
  const sessions = slice.blocks as [LoadSession, LoadSession];
  const further = { ...sessions[0], round: plan.header.rounds, index: 8 };
  const started = (configuration: typeof none, session: LoadSession): RunEvent => ({
    type: "configuration-started",
    configuration,
    session,
    trialsOver: 0,
  });
  const ended = (configuration: typeof none, session: LoadSession): RunEvent => ({
    type: "configuration-completed",
    configuration,
    session,
    elapsedSec: 8,
  });
  const events: readonly RunEvent[] = [
    started(none, sessions[0]),
    ended(none, sessions[0]),
    { type: "configuration-failed", configuration: int8, session: sessions[1], failure: failure() },
    { type: "ratios-uncertain", uncertainty: 0.2, sessions: [further], trials: 2 },
    started(none, further),
    { type: "trial-started", trial: plan.trials[0] as (typeof plan.trials)[0] },
    { type: "trial-completed", trial: plan.trials[0] as (typeof plan.trials)[0], measurement: measurement() },
    ended(none, further),
  ];
  const lines = shown(false, events, 80, slice).split("\n");
  expect(lines).toContain("[1/2] unquantized: loading");
  expect(lines.some((line) => line.startsWith("[2/2] int8: failed"))).toBe(true);
  expect(lines).toContain("[3/3] unquantized (round 2): loading");
  expect(lines.some((line) => line.startsWith("[3/3] unquantized (round 2): trial 1/2 in "))).toBe(true);
});

test("on a terminal what stays is said once, and the moving lines are taken away at the end", () => {
  const text = shown(true, EVENTS);
  expect(text.split("loaded in").length - 1).toBe(2);
  expect(text).toContain("trials");
});

test("on a narrow terminal the cause of a failure is wrapped, not cut", () => {
  const events: RunEvent[] = [
    { type: "configuration-started", configuration: none, session: findSession(none), trialsOver: 0 },
    { type: "configuration-failed", configuration: none, session: findSession(none), failure: failure() },
  ];
  const text = shown(true, events, 40);
  expect(text).toContain("quantization-not-applied");
  expect(text).toContain("are quantized\n");
});

test("moving lines are never wider than the terminal", () => {
  const configuration = { ...none, worker: { ...none.worker, label: "very ".repeat(40) } };
  const state = advance(
    initialState(plan, 0),
    { type: "configuration-started", configuration, session: findSession(configuration), trialsOver: 0 },
    plan,
    1,
  );
  for (const columns of [20, 40, 80]) {
    for (const line of formatStatusLines(state, 5, { columns, color: false })) {
      expect(stringWidth(line)).toBeLessThanOrEqual(columns);
    }
  }
});

test("on a narrow terminal the time left and the rate are still there", () => {
  let state = initialState(plan, 0);
  for (const [second, event] of EVENTS.slice(0, 8).entries())
    state = advance(state, event, plan, second * 20);
  const lines = formatStatusLines(state, 141, { columns: 40, color: false });
  expect(lines.every((line) => stringWidth(line) < 40)).toBe(true);
  expect(lines[0]).toContain("9.5 tokens/s");
  expect(lines[1]).toMatch(/^1\/4 · 2 min 21 s · .* left$/);
});

test("time left is told from the trials, not from the load before them, and only counts down between events", () => {
  let state = initialState(plan, 0);
  const at = (second: number, event: RunEvent) => {
    state = advance(state, event, plan, second);
  };
  const [first] = listTrials(none.worker.id) as [(typeof plan.trials)[0]];
  at(0, { type: "configuration-started", configuration: none, session: findSession(none), trialsOver: 0 });
  at(100, { type: "trial-started", trial: first });
  at(103, { type: "trial-completed", trial: first, measurement: measurement() });
  // Left are one more trial of 3 s here, and another configuration with a load of 100 s and two trials.
  expect(secondsLeft(state, 103)).toBe(3 + 106);
  expect(secondsLeft(state, 105)).toBe(1 + 106);
  expect(secondsLeft(state, 500)).toBe(106);
});

test("time left is unknown before the first trial, then finite, never negative, and nothing at the end", () => {
  fc.assert(
    fc.property(
      fc.array(fc.double({ min: 0, max: 1000, noNaN: true }), { minLength: EVENTS.length }),
      (gaps) => {
        let state = initialState(plan, 0);
        let now = 0;
        let hasTrial = false;
        for (const [index, event] of EVENTS.entries()) {
          now += gaps[index] ?? 0;
          state = advance(state, event, plan, now);
          hasTrial ||= event.type === "trial-completed";
          const left = secondsLeft(state, now);
          if (!hasTrial) expect(left).toBeNull();
          else expect(left).toSatisfy((value: number) => Number.isFinite(value) && value >= 0);
        }
        expect(secondsLeft(state, now)).toBe(0);
        expect(state.trialsOver).toBe(plan.trials.length);
      },
    ),
  );
});
