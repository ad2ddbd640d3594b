/** Measures paired generates of every configuration: several loads of both sides, with some pairs each. */
import { computeMedian } from "../../src/base/statistics.js";
import type { PlanConfiguration } from "../../src/plan/plan-types.js";
import { computeOthersCpus, readMachineUse } from "./disturbance.js";
import { makeSchedule } from "./order.js";
import { listLogRatios, measurePairs, type Pair } from "./pairs.js";
import { type LoadedSide, openSource, type SideSetup, type SideSource } from "./sides.js";
import { computeRatioInterval, type RatioInterval } from "./statistics.js";

/** Fewer undisturbed pairs than this say nothing about a load. */
const FEWEST_PAIRS = 3;

export interface GeneratesOptions extends SideSetup {
  /** In the form that `openSource` takes; the ratio is that of `measured` to `against`. */
  readonly measured: string;
  readonly against: string;
  readonly configurations: readonly PlanConfiguration[];
  readonly prompts: readonly string[];
  readonly warmup: number;
  /** How often each configuration is loaded by both sides; up to `mostLoads` if its interval is wider than ± `resolution`. */
  readonly loads: number;
  readonly mostLoads: number;
  readonly pairs: number;
  readonly sliceMs: number;
  readonly quietCpus: number;
  readonly resolution: number;
  readonly seed: number;
  readonly onLine: (line: string) => void;
}

/** One load of one configuration by both sides. */
export interface Load {
  readonly configuration: string;
  readonly measuredFirst: boolean;
  readonly pairs: readonly Pair[];
}

/** Measures loads and returns them in the order in which they were made. Throws if the sides cannot be compared. */
export async function measureGenerates(options: GeneratesOptions): Promise<Load[]> {
  const loads: Load[] = [];
  for (let round = 0; round < options.mostLoads; round++) {
    const left = options.configurations.filter(
      (one) => round < options.loads || !isResolved(loads, nameConfiguration(one), options.resolution),
    );
    if (left.length === 0) break;
    loads.push(...(await measureRound(round, left, options)));
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
  const { prompts, pairs, sliceMs, quietCpus } = options;
  const first = await loadAndWarm(measuredFirst ? job.measured : job.against, configuration, options);
  const second = await loadAndWarm(measuredFirst ? job.against : job.measured, configuration, options);
  const [measured, against] = measuredFirst ? [first, second] : [second, first];
  try {
    if (measured.threads !== against.threads) {
      throw new Error(`${measured.threads} threads against ${against.threads}: nothing can be compared`);
    }
    const pids = [process.pid, ...measured.pids, ...against.pids];
    const measuredPairs = await measurePairs({
      measured,
      against,
      prompts,
      schedule: makeSchedule({ pairs, prompts: prompts.length, firstPrompt: round * pairs, seed }),
      watch: () => {
        const before = readMachineUse(pids);
        return () => computeOthersCpus(before, readMachineUse(pids));
      },
      sliceMs,
      quietCpus,
      mostAgain: pairs,
    });
    return { configuration: nameConfiguration(configuration), measuredFirst, pairs: measuredPairs };
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
