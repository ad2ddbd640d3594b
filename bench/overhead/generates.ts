/** Measures paired generates of every configuration: several loads of both sides, with some pairs each. */
import { computeMedian } from "../../src/base/statistics.js";
import type { PlanConfiguration } from "../../src/plan/plan-types.js";
import { computeOthersCpus, readMachineUse } from "./disturbance.js";
import { makeSchedule } from "./order.js";
import { listLogRatios, measurePairs, type Pair, type RunPair, runSliced } from "./pairs.js";
import { type LoadedSide, openProduct, openSource, type SideSetup, type SideSource } from "./sides.js";
import { computeRatioInterval, type RatioInterval } from "./statistics.js";

/** Fewer undisturbed pairs than this say nothing about a load. */
const FEWEST_PAIRS = 3;

export interface RoundsOptions extends SideSetup {
  readonly configurations: readonly PlanConfiguration[];
  readonly prompts: readonly string[];
  readonly warmup: number;
  /** How often each configuration is loaded by both sides; up to `mostLoads` if its interval is wider than ± `resolution`. */
  readonly loads: number;
  readonly mostLoads: number;
  readonly pairs: number;
  readonly quietCpus: number;
  readonly resolution: number;
  readonly seed: number;
  readonly onLine: (line: string) => void;
}

export interface GeneratesOptions extends RoundsOptions {
  /** In the form that `openSource` takes; the ratio is that of `measured` to `against`. */
  readonly measured: string;
  readonly against: string;
  readonly sliceMs: number;
}

/** One load of one configuration by both sides. */
export interface Load {
  readonly configuration: string;
  readonly measuredFirst: boolean;
  readonly pairs: readonly Pair[];
}

/** Measures loads and returns them in the order in which they were made. Throws if the sides cannot be compared. */
export function measureGenerates(options: GeneratesOptions): Promise<Load[]> {
  return measureRounds(options, (round, left) => measureRound(round, left, options));
}

/**
 * The same with both sides in one process, which generate with the same model, token by token in turns: what a process and the
 * place of a model in its memory change is left out, and only what falcon-exp does beside generating is compared.
 */
export function measureGeneratesWithin(options: RoundsOptions): Promise<Load[]> {
  return measureRounds(options, (round, left) => measureRoundWithin(round, left, options));
}

/** Repeats rounds until every configuration is resolved or has been loaded often enough. */
async function measureRounds(
  options: RoundsOptions,
  measure: (round: number, left: readonly PlanConfiguration[]) => Promise<Load[]>,
): Promise<Load[]> {
  const loads: Load[] = [];
  for (let round = 0; round < options.mostLoads; round++) {
    const left = options.configurations.filter(
      (one) => round < options.loads || !isResolved(loads, nameConfiguration(one), options.resolution),
    );
    if (left.length === 0) break;
    loads.push(...(await measure(round, left)));
  }
  return loads;
}

export function nameConfiguration({ axes, worker }: PlanConfiguration): string {
  return axes.quantization ?? worker.label;
}

/** The interval over those loads of one configuration that have enough undisturbed pairs. */
export function computeGenerateInterval(loads: readonly Load[], configuration: string): RatioInterval | null {
  const own = loads.filter((load) => load.configuration === configuration);
  return computeRatioInterval(
    own.map(({ pairs }) => listLogRatios(pairs)).filter(({ length }) => length >= FEWEST_PAIRS),
  );
}

function isResolved(loads: readonly Load[], configuration: string, resolution: number): boolean {
  const interval = computeGenerateInterval(loads, configuration);
  return interval !== null && interval.halfWidth <= resolution;
}

async function measureRound(
  round: number,
  configurations: readonly PlanConfiguration[],
  options: GeneratesOptions,
): Promise<Load[]> {
  const sources: SideSource[] = [];
  const loads: Load[] = [];
  try {
    for (const spec of [options.measured, options.against]) sources.push(await openSource(spec, options));
    const [measured, against] = sources as [SideSource, SideSource];
    for (const source of sources) source.rest();
    for (const [index, configuration] of configurations.entries()) {
      // The side that loads first finds different memory free, so the sides take turns.
      const measuredFirst = (round + index) % 2 === 0;
      const seed = options.seed + 1000 * round + index;
      const load = await measureLoad(
        { measured, against, configuration, measuredFirst, seed, round },
        options,
      );
      loads.push(load);
      options.onLine(formatLine(load, round));
    }
  } finally {
    for (const source of sources) await source.close();
  }
  return loads;
}

async function measureRoundWithin(
  round: number,
  configurations: readonly PlanConfiguration[],
  options: RoundsOptions,
): Promise<Load[]> {
  const env = { ...options.env, FALCON_EXP_BENCH_PAIRED: "1" };
  const side = await openProduct("product", "", { ...options, env });
  const loads: Load[] = [];
  try {
    for (const [index, configuration] of configurations.entries()) {
      await side.load(configuration);
      const run: RunPair = (slot, prompt) => side.generatePair(slot, prompt);
      const warmUp = { promptIndex: 0, measuredFirst: true };
      for (let one = 0; one < options.warmup; one++) await run(warmUp, options.prompts[0] ?? "");
      const seed = options.seed + 1000 * round + index;
      const pairs = await measureLoadedPairs({ run, pids: side.pids, round, seed }, options);
      const load = { configuration: nameConfiguration(configuration), measuredFirst: true, pairs };
      loads.push(load);
      options.onLine(formatLine(load, round));
      await side.end();
    }
  } finally {
    await side.close();
  }
  return loads;
}

interface LoadedJob {
  readonly run: RunPair;
  /** All processes that belong to what is measured. */
  readonly pids: readonly number[];
  readonly round: number;
  readonly seed: number;
}

function measureLoadedPairs(
  { run, pids, round, seed }: LoadedJob,
  { prompts, pairs, quietCpus }: RoundsOptions,
): Promise<Pair[]> {
  const all = [process.pid, ...pids];
  return measurePairs({
    run,
    prompts,
    schedule: makeSchedule({ pairs, prompts: prompts.length, firstPrompt: round * pairs, seed }),
    watch: () => {
      const before = readMachineUse(all);
      return () => computeOthersCpus(before, readMachineUse(all));
    },
    quietCpus,
    mostAgain: pairs,
  });
}

interface LoadJob {
  readonly measured: SideSource;
  readonly against: SideSource;
  readonly configuration: PlanConfiguration;
  readonly measuredFirst: boolean;
  readonly seed: number;
  readonly round: number;
}

async function measureLoad(job: LoadJob, options: GeneratesOptions): Promise<Load> {
  const { configuration, measuredFirst, seed, round } = job;
  const first = await loadAndWarm(measuredFirst ? job.measured : job.against, configuration, options);
  const second = await loadAndWarm(measuredFirst ? job.against : job.measured, configuration, options);
  const [measured, against] = measuredFirst ? [first, second] : [second, first];
  try {
    if (measured.threads !== against.threads) {
      throw new Error(`${measured.threads} threads against ${against.threads}: nothing can be compared`);
    }
    const run = runSliced(measured, against, options.sliceMs);
    const pids = [...measured.pids, ...against.pids];
    const pairs = await measureLoadedPairs({ run, pids, round, seed }, options);
    return { configuration: nameConfiguration(configuration), measuredFirst, pairs };
  } finally {
    await measured.end();
    job.measured.rest();
    await against.end();
    job.against.rest();
  }
}

/** Loads and warms up one side, which rests when this is done. */
async function loadAndWarm(
  source: SideSource,
  configuration: PlanConfiguration,
  { prompts, warmup }: GeneratesOptions,
): Promise<LoadedSide> {
  source.wake();
  const side = await source.load(configuration);
  for (let index = 0; index < warmup; index++) await side.generate(prompts[0] ?? "");
  side.rest();
  return side;
}

function formatLine({ configuration, pairs }: Load, round: number): string {
  const ratios =
    listLogRatios(pairs)
      .map((one) => Math.exp(one).toFixed(3))
      .join(" ") || "none counts";
  const disturbed = pairs.filter(({ isDisturbed }) => isDisturbed).length;
  const others = computeMedian(pairs.flatMap((pair) => pair.othersCpus ?? []));
  return [
    `load ${round + 1} of ${configuration}: ${ratios}`,
    ...(others === null ? [] : [`others ${others.toFixed(3)} CPUs`]),
    ...(disturbed === 0 ? [] : [`${disturbed} pairs disturbed`]),
  ].join(", ");
}
