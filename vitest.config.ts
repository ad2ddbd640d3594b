import { availableParallelism } from "node:os";
import { defineConfig } from "vitest/config";

/** These start the real worker, which imports torch and its neighbours: seconds of a core each time. */
const REAL_WORKER = [
  "test/bench/sides.test.ts",
  "test/commands/{doctor,export,fit,resume,run,run-quality,run-simulated}.test.ts",
  "test/experiments/quant.test.ts",
  "test/reliability/{controller,inputs,secrets,trial,worker}.test.ts",
];

export default defineConfig({
  test: {
    // OpenMP threads spin while they wait for their turn: where processes share the cores, as here, a tiny model then
    // takes ten times the processor time.
    env: { OMP_WAIT_POLICY: "passive" },
    projects: [
      {
        extends: true,
        test: {
          name: "real worker",
          include: REAL_WORKER,
          // The slowest takes some 20 s where it is alone, and what hangs should not hang for long.
          testTimeout: 240_000,
          hookTimeout: 240_000,
          maxWorkers: 1,
          sequence: { groupOrder: 1 },
        },
      },
      {
        extends: true,
        test: {
          name: "all others",
          include: ["test/**/*.test.ts"],
          exclude: REAL_WORKER,
          testTimeout: 60_000,
          hookTimeout: 60_000,
          maxWorkers: Math.max(1, availableParallelism() - 1),
          sequence: { groupOrder: 2 },
        },
      },
    ],
  },
});
