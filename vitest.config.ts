import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    // Real workers are started: a slow machine needs time, and no test asserts how much.
    testTimeout: 300_000,
    hookTimeout: 300_000,
    // Some files measure real models: side by side on two cores each would take many times as long.
    fileParallelism: false,
  },
});
