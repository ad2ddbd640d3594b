import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type SimulatedRun, simulatePairs } from "../../bench/simulation/simulate.js";
import { pairedRatio, type RatioPair } from "../../src/analysis/paired-ratio.js";
import { computeVerdict } from "../../src/analysis/significance.js";
import { MOST_FURTHER_ROUNDS } from "../../src/plan/further-rounds.js";
import { FEWEST_PAIRS } from "../../src/run/ratio-precision.js";

const quiet = (seed: number, prompts: number, ratio: number) =>
  simulatePairs({ seed, prompts, rounds: 1, ratio, noise: 0.03, drift: 0.01 });
const verdictOf = (pairs: readonly RatioPair[]) => {
  const measured = pairedRatio(pairs);
  return measured === null ? null : computeVerdict(measured);
};

describe.each([
  [8, 1.3],
  [30, 0.5],
])("over 2,000 simulated runs of %i pairs", (n, ratio) => {
  test("the interval holds the true ratio in 98 to 99.9 %% of them", () => {
    let covered = 0;
    for (let seed = 1; seed <= 2000; seed++) {
      const interval = pairedRatio(quiet(seed, n, ratio), { loadSpread: 0.01 })?.interval;
      if (interval != null && interval[0] <= ratio && ratio <= interval[1]) covered += 1;
    }
    expect(covered / 2000).toBeGreaterThanOrEqual(0.98);
    expect(covered / 2000).toBeLessThanOrEqual(0.999);
  });
});

test.each([5, 15])(
  "two configurations that are the same are called different in at most 5 of 100 runs of %i pairs",
  (n) => {
    const verdicts = Array.from({ length: 100 }, (_, index) => verdictOf(quiet(1000 + index, n, 1)));
    expect(verdicts.filter((verdict) => verdict === "more" || verdict === "less").length).toBeLessThanOrEqual(
      5,
    );
  },
);

test.each([
  [5, 2],
  [10, 1.3],
])("with %i pairs a ratio of %d is called a difference in every run", (n, ratio) => {
  for (let seed = 1; seed <= 100; seed++) expect(verdictOf(quiet(seed, n, ratio))).toBe("more");
});

test("however even the trials of one load are, a difference of loads is not one of configurations", () => {
  const even = (seed: number) =>
    simulatePairs({ seed, prompts: 15, rounds: 1, ratio: 1, noise: 0.001, drift: 0.01 });
  const verdicts = Array.from({ length: 100 }, (_, index) => verdictOf(even(index + 1)));
  expect(verdicts.filter((verdict) => verdict === "more" || verdict === "less").length).toBeLessThanOrEqual(
    5,
  );
});

test("loads that lie 2 % apart by luck, as measured, are not called different configurations", () => {
  const lucky = (seed: number) =>
    simulatePairs({ seed, prompts: 10, rounds: 1, ratio: 1, noise: 0.01, drift: 0.02 });
  const verdicts = Array.from({ length: 100 }, (_, index) => verdictOf(lucky(index + 1)));
  expect(verdicts.filter((verdict) => verdict === "more" || verdict === "less").length).toBeLessThanOrEqual(
    5,
  );
});

const countClaims = (of: Omit<SimulatedRun, "seed">) =>
  Array.from({ length: 1000 }, (_, index) => verdictOf(simulatePairs({ seed: index + 1, ...of }))).filter(
    (verdict) => verdict === "more" || verdict === "less",
  ).length;

const SHARED = { prompts: 5, rounds: 2, isShared: true, noise: 0.01 } as const;

describe("two loads that share five trials", () => {
  test.each([0.01, 0.02, 0.03, 0.05, 0.1, 0.3])(
    "of the same configuration, loads %d apart, are called different in at most 5 of 100 runs",
    (drift) => {
      expect(countClaims({ ...SHARED, drift, ratio: 1 })).toBeLessThanOrEqual(50);
      expect(countClaims({ ...SHARED, drift, ratio: 1, lost: 1 })).toBeLessThanOrEqual(50);
    },
  );

  test.each([0.01, 0.02, 0.03])(
    "of one that is 1.3 times slower, loads %d apart, tell it in at least 90 of 100",
    (drift) => {
      expect(countClaims({ ...SHARED, drift, ratio: 1.3 })).toBeGreaterThanOrEqual(900);
    },
  );

  test("tell it with one trial of five lost to other work, too", () => {
    expect(countClaims({ ...SHARED, drift: 0.01, ratio: 1.3, lost: 1 })).toBeGreaterThanOrEqual(900);
  });
});

describe("where further loads follow two that are apart", () => {
  const further = { ...SHARED, furtherRounds: MOST_FURTHER_ROUNDS };

  test.each([0.01, 0.03, 0.05, 0.07, 0.1, 0.13, 0.3])(
    "the same configuration, loads %d apart, is called different in at most 5 of 100 runs",
    (drift) => {
      expect(countClaims({ ...further, drift, ratio: 1 })).toBeLessThanOrEqual(50);
    },
  );

  test.each([0.02, 0.05, 0.07, 0.1])(
    "one that is 1.3 times slower, loads %d apart, is found in at least 95 of 100",
    (drift) => {
      expect(countClaims({ ...further, drift, ratio: 1.3 })).toBeGreaterThanOrEqual(950);
    },
  );

  test("three times as often as with two loads alone, where these are 10 %% apart", () => {
    const [alone, followed] = [SHARED, further].map((loads) =>
      countClaims({ ...loads, drift: 0.1, ratio: 1.3 }),
    );
    expect(followed).toBeGreaterThan(3 * (alone ?? 0));
  });

  test("one that is 1.3 times slower, loads 13 %% apart, is found in at least 80 of 100", () => {
    expect(countClaims({ ...further, drift: 0.13, ratio: 1.3 })).toBeGreaterThanOrEqual(800);
  });

  test.each([
    [0.01, 4],
    [0.02, 60],
  ])("few follow where loads are even: %d apart, in less than %i of 200 runs", (drift, most) => {
    const runs = Array.from({ length: 200 }, (_, index) =>
      simulatePairs({ ...further, seed: index + 1, drift, ratio: 1 }),
    );
    const followed = runs.filter((pairs) => pairs.some(({ round }) => round > 1));
    expect(followed.length).toBeLessThan(most);
  });
});

test("loads of one configuration that lie far apart are told, and widen the interval however alike the ratios are", () => {
  const pair = (round: number, slow: number) => ({ own: slow, reference: slow * 1.001, round });
  const loads = (slow: number) =>
    [1, 1.001, 0.999, 1].flatMap((noise) => [pair(0, noise), pair(1, noise * slow)]);
  const even = pairedRatio(loads(1.02));
  const uneven = pairedRatio(loads(1.4));
  expect(even?.unevenLoads).toBeNull();
  expect(uneven?.unevenLoads).toBeCloseTo(Math.log(1.4) / Math.SQRT2, 2);
  expect(uneven?.interval?.[1]).toBeGreaterThan(2);
});

test("two runs tell no difference of times that the machine may have made between them", () => {
  const pairs = quiet(1, 12, 1.25);
  expect(verdictOf(pairs)).toBe("more");
  const ofTwoRuns = pairedRatio(pairs, { runSpread: 0.08 });
  expect(ofTwoRuns === null ? null : computeVerdict(ofTwoRuns)).toBe("within-noise");
});

test("a machine that drifts between rounds widens the interval, and makes no difference of the same thing", () => {
  expect(countClaims({ prompts: 5, rounds: 4, ratio: 1, noise: 0.005, drift: 0.05 })).toBeLessThanOrEqual(50);
  const halfWidth = (drift: number) => {
    const pairs = simulatePairs({ seed: 3, prompts: 5, rounds: 2, ratio: 1, noise: 0.005, drift });
    const [low, high] = pairedRatio(pairs)?.interval ?? [1, 1];
    return Math.log(high / low) / 2;
  };
  expect(halfWidth(0.2)).toBeGreaterThan(3 * halfWidth(0.01));
});

test("from five loads on nothing is assumed of what they differ by", () => {
  const loads = (count: number) =>
    simulatePairs({ seed: 5, prompts: 5, rounds: count, ratio: 1.05, noise: 0.005, drift: 0.005 });
  expect(verdictOf(loads(4))).toBe("within-noise");
  expect(verdictOf(loads(5))).toBe("more");
});

test("the ratio is the geometric mean of the pairs' ratios", () => {
  // 2, ½, 4, 1, 2: the product is 8, and 8 to the power of a fifth is 1.5157.
  const pairs = [
    [2, 1],
    [1, 2],
    [4, 1],
    [3, 3],
    [6, 3],
  ].map(([own = 0, reference = 0]) => ({ own, reference, round: 0 }));
  expect(pairedRatio(pairs)?.ratio).toBeCloseTo(8 ** (1 / 5), 12);
});

test("too few pairs have a ratio and no interval; none have nothing", () => {
  const pairs = quiet(1, FEWEST_PAIRS - 1, 2);
  expect(pairedRatio(pairs)).toMatchObject({ pairs: FEWEST_PAIRS - 1, interval: null });
  expect(verdictOf(pairs)).toBe("too-few-repeats");
  expect(pairedRatio([])).toBeNull();
});

test("figures that never differ are exact", () => {
  const pairs = Array.from({ length: 6 }, () => ({ own: 3e9, reference: 6e9, round: 0 }));
  expect(pairedRatio(pairs, { loadSpread: 0 })).toMatchObject({ ratio: 0.5, interval: [0.5, 0.5] });
});

test("what a process fixes is counted once a load, however many trials tell it again", () => {
  const load = (round: number, ratio: number) =>
    Array.from({ length: 20 }, () => ({ own: 700e6 * ratio, reference: 700e6, round }));
  const one = pairedRatio(load(0, 1.004), { unit: "load" });
  expect(one).toMatchObject({ pairs: 20, loads: 1, interval: null });
  expect(one === null ? null : computeVerdict(one)).toBe("same");
  const loads = [0.995, 1.005, 1.004, 0.999, 1.001, 1.0].flatMap((ratio, round) => load(round, ratio));
  const several = pairedRatio(loads, { unit: "load" });
  expect(several?.loads).toBe(6);
  expect(several === null ? null : computeVerdict(several)).toBe("same");
});

test("the interval lies around the ratio, and turned about is its inverse", () => {
  const figure = fc.double({ min: 0.01, max: 1000, noNaN: true });
  const pair = fc.record({ own: figure, reference: figure, round: fc.integer({ min: 0, max: 2 }) });
  fc.assert(
    fc.property(fc.array(pair, { minLength: 5, maxLength: 20 }), (pairs) => {
      const measured = pairedRatio(pairs);
      const turned = pairedRatio(
        pairs.map(({ own, reference, round }) => ({ own: reference, reference: own, round })),
      );
      if (measured?.interval == null || turned?.interval == null) throw new Error("no interval");
      expect(turned.ratio * measured.ratio).toBeCloseTo(1, 6);
      expect(turned.interval[0] * measured.interval[1]).toBeCloseTo(1, 6);
      expect(measured.interval[0]).toBeLessThanOrEqual(measured.ratio * (1 + 1e-12));
      expect(measured.interval[1]).toBeGreaterThanOrEqual(measured.ratio * (1 - 1e-12));
    }),
    { numRuns: 50 },
  );
});
