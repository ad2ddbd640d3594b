import { expect, test } from "vitest";
import { countInterference, findInterference } from "../../../src/analysis/interference.js";
import { describeInterference, describeTrialInterference } from "../../../src/render/words/interference.js";
import type { RecordedTrial } from "../../../src/run/record-types.js";
import { environment, measurement } from "../../fixtures/records.js";

const describeMachine = (...of: Parameters<typeof findInterference>) =>
  describeInterference(findInterference(...of));
const describeTrials = (trials: readonly RecordedTrial[]) =>
  describeTrialInterference(countInterference(trials));

type State = NonNullable<RecordedTrial["gpu_state_after"]>[number];

const state = (changes: Partial<State>): State => ({
  index: 1,
  uuid: "GPU-1",
  sm_clock_mhz: 1500,
  memory_clock_mhz: null,
  temperature_celsius: null,
  power_watts: null,
  throttle_reasons: [],
  other_processes: 0,
  other_memory_bytes: 0,
  ...changes,
});

const trial = (before: Partial<State>, after: Partial<State>) =>
  measurement({ gpu_state_before: [state(before)], gpu_state_after: [state(after)] });

test("a neighbour that came during the trials is told, with how many of them it touched", () => {
  const remarks = describeTrials([
    trial({}, {}),
    trial({}, { other_processes: 2 }),
    trial({ other_processes: 2 }, { other_processes: null }),
  ]);
  expect(remarks).toEqual(["another process used the model's GPU during 2 of 3 trials"]);
});

test("what held the clocks down during the trials is named once; an idle card's reasons are none", () => {
  const remarks = describeTrials([
    trial({ throttle_reasons: ["GpuIdle"] }, { throttle_reasons: ["SwPowerCap"] }),
    trial({ throttle_reasons: null }, { throttle_reasons: ["SwPowerCap", "HwThermalSlowdown"] }),
  ]);
  expect(remarks).toEqual([
    "the model's GPU was throttled during 2 of 2 trials: SwPowerCap, HwThermalSlowdown",
  ]);
});

test("trials on a CPU, or on a card that nobody else used, need no remark", () => {
  expect(describeTrials([measurement({}), trial({}, {})])).toEqual([]);
});

test("simulated cards are called so, first of all", () => {
  const real = environment("cuda");
  const simulated = { ...real, gpus: real.gpus.map((gpu) => ({ ...gpu, is_simulated: true })) };
  expect(describeMachine(real, ["cuda"])).toEqual([]);
  expect(describeMachine(simulated, ["cuda"])[0]).toContain("the GPUs are simulated");
  expect(describeMachine(null, ["auto"])).toEqual([]);
});

const quiet = environment("cpu");

test("a quiet machine needs no remark; other work, other processes and a power cap are told", () => {
  expect(describeMachine(quiet, ["auto"])).toEqual([]);
  const state = {
    ...quiet.machine_state,
    busy_cores: 1.3,
    cpu_governor: "powersave",
    gpus: [
      {
        index: 0,
        other_processes: 2,
        other_memory_bytes: 3e9,
        utilization_percent: 90,
        power_limit_watts: 200,
        power_limit_default_watts: 350,
        throttle_reasons: ["SwPowerCap", "GpuIdle"],
      },
    ],
  };
  const busy = { ...quiet, machine_state: state };
  expect(describeMachine(busy, ["auto"])).toEqual([
    "other work kept 1.3 of 2 cores busy just before the run",
    "the CPU's frequency governor is powersave: the clock speed may vary with the load",
    "GPU 0 is used by 2 other processes (3.00 GB)",
    "GPU 0 has a power cap of 200 W instead of 350 W",
    "GPU 0 is already throttled: SwPowerCap",
  ]);
  const ofCards = (devices: readonly string[]) => describeMachine(busy, devices).slice(2);
  expect(ofCards(["cpu", "cuda"])).toHaveLength(3);
  // GPU 0 is not among the cards that were asked for.
  expect(ofCards(["cpu", "cuda:1"])).toEqual([]);
});
