import { availableParallelism } from "node:os";
import { defineConfig } from "vitest/config";

/** These start the real worker, which imports torch and its neighbours: seconds of a core each time. */
const REAL_WORKER = [
  "test/bench/sides.test.ts",
  "test/commands/{doctor,export,fit,node-lts,resume,run-quality,run-simulated}.test.ts",
  "test/reliability/{controller,inputs,secrets,worker}.test.ts",
];
/** So do these, but once or twice each, so they may run beside others. */
const REAL_MODELS = ["test/experiments/*.test.ts", "test/plan/estimate-families.test.ts"];
/**
 * The kernel kills a process for lack of memory, and counts that for the machine as a whole: a trial process that another
 * test kills meanwhile would seem to have run out of memory.
 */
const OUT_OF_MEMORY = ["test/reliability/trial.test.ts", "test/slurm/slurm.test.ts"];
/** These kill a trial process of the real worker; KILLED_TRIALS of scripts/check.ts has those in Python. */
const KILLED_TRIALS = ["test/commands/run.test.ts"];
/**
 * Functions from data to data: their files are imported into one process, each module once. Nothing of these starts a process,
 * takes a lock, or puts another module in the place of one.
 */
const SHARED_MODULES = [
  "test/{analysis,base,docs,experiment,metrics,protocol,quantization,run/table,scripts/gpu}/**/*.test.ts",
  "test/bench/{disturbance,load-generators,order,pairs,slices,statistics,sweep-parts,table}.test.ts",
  "test/bench/gpu/limits.test.ts",
  "test/commands/{doctor-report,find-extras,report}.test.ts",
  "test/executor/{devices,slurm}.test.ts",
  "test/python-env/home.test.ts",
  "test/reliability/fuzz-yaml.test.ts",
  "test/render/html/{environment-section,markup,proof-section}.test.ts",
  "test/render/{charts,live,terminal,words}/**/*.test.ts",
  "test/render/{example,history,write-report}.test.ts",
  "test/plan/!(estimate-families).test.ts",
  "test/run/!(run-lock|small-files).test.ts",
  "test/scripts/{audit-locks,bundling,wire-types}.test.ts",
  "test/serve/live-page.test.ts",
  "test/worker/{last-words,line-tail}.test.ts",
];
/** The slowest took 223 s on a machine that was 2.3 times as slow as usual; what hangs should not hang for long. */
const REAL_WORKER_LIMITS_MS = { testTimeout: 600_000, hookTimeout: 600_000 };

/** Threads that share the cores with other processes wait for each other: a tiny model is faster with one. */
const ONE_THREAD = { OMP_NUM_THREADS: "1" };

const OTHERS_LIMITS_MS = { testTimeout: 60_000, hookTimeout: 60_000 };
const OTHERS = {
  maxWorkers: Math.max(1, availableParallelism() - 1),
  sequence: { groupOrder: 4 },
};

export default defineConfig({
  test: {
    // OpenMP threads spin while they wait for their turn: where processes share the cores, as here, a tiny model then
    // takes ten times the processor time.
    env: {
      OMP_WAIT_POLICY: "passive",
      FALCON_EXP_COMMAND: "falcon-exp",
      // Reading 1 GB again and again at each start of a worker would take a tenth of the time of all tests.
      FALCON_EXP_BANDWIDTH_BYTES: "16777216",
      // Reading further certificates takes Node a tenth of a second each time, and nothing here asks the outside.
      NODE_EXTRA_CA_CERTS: "",
    },
    setupFiles: ["./test/fixtures/property-seed.ts"],
    // A page on a busy machine may take longer than the usual second.
    expect: { poll: { timeout: 20_000 } },
    projects: [
      {
        extends: true,
        test: {
          ...REAL_WORKER_LIMITS_MS,
          name: "out of memory",
          env: ONE_THREAD,
          include: OUT_OF_MEMORY,
          maxWorkers: 1,
          sequence: { groupOrder: 1 },
        },
      },
      {
        extends: true,
        test: {
          ...REAL_WORKER_LIMITS_MS,
          name: "killed trials",
          env: ONE_THREAD,
          include: KILLED_TRIALS,
          maxWorkers: 1,
          sequence: { groupOrder: 2 },
        },
      },
      {
        extends: true,
        test: {
          ...REAL_WORKER_LIMITS_MS,
          name: "real worker",
          env: ONE_THREAD,
          include: REAL_WORKER,
          maxWorkers: 1,
          sequence: { groupOrder: 3 },
        },
      },
      {
        extends: true,
        test: { ...REAL_WORKER_LIMITS_MS, name: "real models", include: REAL_MODELS, ...OTHERS },
      },
      {
        extends: true,
        test: {
          ...OTHERS_LIMITS_MS,
          name: "all others",
          env: ONE_THREAD,
          include: ["test/**/*.test.ts"],
          exclude: [...OUT_OF_MEMORY, ...KILLED_TRIALS, ...REAL_WORKER, ...REAL_MODELS, ...SHARED_MODULES],
          ...OTHERS,
        },
      },
      {
        extends: true,
        test: {
          ...OTHERS_LIMITS_MS,
          name: "shared modules",
          include: SHARED_MODULES,
          ...OTHERS,
          isolate: false,
        },
      },
    ],
  },
});
