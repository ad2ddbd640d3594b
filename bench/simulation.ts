/**
 * Counts the verdicts on simulated runs whose truth is known: `npx tsx bench/simulation.ts`. Takes seconds and needs no quiet
 * machine. bench/load-generators.ts does the same with real load generators.
 */
import { computeEffect } from "../src/analysis/comparison.js";
import { pairedRatio } from "../src/analysis/paired-ratio.js";
import { MOST_FURTHER_ROUNDS } from "../src/plan/further-rounds.js";
import { simulatePairs } from "./simulation/simulate.js";

const RUNS = 1_000;

interface Case {
  readonly what: string;
  readonly ratio: number;
  readonly prompts: number;
  readonly rounds: number;
  readonly isShared?: boolean;
  readonly lost?: number;
  readonly noise: number;
  readonly drift: number;
}

const SHARED = { prompts: 5, rounds: 2, furtherRounds: MOST_FURTHER_ROUNDS, isShared: true } as const;
const CASES: readonly Case[] = [
  ...[0.01, 0.02, 0.03, 0.05, 0.07, 0.1, 0.13, 0.3].flatMap((drift) => [
    { what: "identical", ratio: 1, ...SHARED, noise: 0.01, drift },
    { what: "1.3×", ratio: 1.3, ...SHARED, noise: 0.01, drift },
  ]),
  ...[0.02, 0.1].map((drift) => ({
    what: "identical",
    ratio: 1,
    ...SHARED,
    lost: 1,
    noise: 0.01,
    drift,
  })),
  { what: "1.3×", ratio: 1.3, ...SHARED, lost: 1, noise: 0.01, drift: 0.02 },
  { what: "1.3×", ratio: 1.3, ...SHARED, noise: 0.03, drift: 0.03 },
  { what: "1.15×", ratio: 1.15, ...SHARED, noise: 0.01, drift: 0.01 },
  { what: "1.15×", ratio: 1.15, ...SHARED, noise: 0.01, drift: 0.02 },
  ...[0.01, 0.02, 0.05, 0.1].map((drift) => ({
    what: "identical",
    ratio: 1,
    prompts: 5,
    rounds: 1,
    noise: 0.01,
    drift,
  })),
  { what: "1.3×", ratio: 1.3, prompts: 5, rounds: 1, noise: 0.01, drift: 0.02 },
  { what: "1.15×", ratio: 1.15, prompts: 5, rounds: 1, noise: 0.01, drift: 0.01 },
  { what: "identical", ratio: 1, prompts: 5, rounds: 4, noise: 0.01, drift: 0.05 },
  { what: "identical", ratio: 1, prompts: 5, rounds: 4, noise: 0.01, drift: 0.3 },
  { what: "1.3×", ratio: 1.3, prompts: 5, rounds: 4, noise: 0.03, drift: 0.05 },
  { what: "identical", ratio: 1, prompts: 5, rounds: 6, noise: 0.01, drift: 0.05 },
  { what: "identical", ratio: 1, prompts: 5, rounds: 6, noise: 0.01, drift: 0.3 },
  { what: "1.05×", ratio: 1.05, prompts: 5, rounds: 6, noise: 0.01, drift: 0.01 },
];

for (const { what, ...of } of CASES) {
  const counts = new Map<string, number>();
  for (let seed = 1; seed <= RUNS; seed++) {
    const verdict = computeEffect(pairedRatio(simulatePairs({ seed, ...of })))?.verdict ?? "none";
    counts.set(verdict, (counts.get(verdict) ?? 0) + 1);
  }
  const told = [...counts]
    .sort(([, a], [, b]) => b - a)
    .map(([verdict, count]) => `${verdict} ${count}`)
    .join(", ");
  process.stdout.write(
    `${what}, ${of.isShared ? `${of.prompts - (of.lost ?? 0)} pairs in ${of.rounds} loads` : `${of.rounds} × ${of.prompts} pairs`}, noise ${of.noise}, loads differ by ${of.drift}: of ${RUNS} runs ${told}\n`,
  );
}
