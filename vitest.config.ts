import { defineConfig } from "vitest/config";

/** These measure a real model on all cores: side by side each would take many times as long. */
const REAL_MODELS = [
  "test/commands/run.test.ts",
  "test/commands/run-quality.test.ts",
  "test/experiments/quant.test.ts",
  "test/bench/sides.test.ts",
];

export default defineConfig({
  test: {
    // Real workers are started: a slow machine needs time, and no test asserts how much.
    // OpenMP threads spin while they wait for their turn: where processes share the cores, as here, a tiny model then
    // takes ten times the processor time.
    env: { OMP_WAIT_POLICY: "passive" },
    testTimeout: 300_000,
    hookTimeout: 300_000,
    projects: [
      {
        extends: true,
        test: { name: "real models", include: REAL_MODELS, maxWorkers: 1, sequence: { groupOrder: 1 } },
      },
      {
        extends: true,
        test: {
          name: "all others",
          include: ["test/**/*.test.ts"],
          exclude: REAL_MODELS,
          maxWorkers: 2,
          sequence: { groupOrder: 2 },
        },
      },
    ],
  },
});
