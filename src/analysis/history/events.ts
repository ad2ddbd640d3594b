/** What happened between runs: other libraries, drivers or machines, and runs that did not come. */
import { environmentDifferences, GIT_COMMIT, type Surroundings } from "../compare/environment-diff.js";
import type { HistoryRun } from "./series.js";

export interface EnvironmentDifference {
  /** A library's name, `GPU driver`, `CPU`, … */
  readonly what: string;
  readonly before: string | null;
  readonly after: string | null;
  /** False where one of the two did not record it: it may be the same. */
  readonly is_known: boolean;
}

export interface EnvironmentChange {
  /** Index of the first run in the new environment. */
  readonly run: number;
  readonly differences: readonly EnvironmentDifference[];
}

/** Each run against the last one before it whose environment is known. The lab's own commits are no event: they change with every run. */
export function environmentChanges(runs: readonly HistoryRun[]): readonly EnvironmentChange[] {
  const changes: EnvironmentChange[] = [];
  let before: { readonly surroundings: Surroundings; readonly serialized: string } | null = null;
  for (const [run, { runValues }] of runs.entries()) {
    if (runValues?.surroundings.environment == null) continue;
    const now = {
      surroundings: runValues.surroundings,
      serialized: serializeEnvironment(runValues.surroundings),
    };
    if (before !== null && before.serialized !== now.serialized) {
      const differences = environmentDifferences([before.surroundings, now.surroundings]);
      const reported = differences
        .filter(({ what }) => what !== GIT_COMMIT)
        .map(({ what, values: [old = null, now = null], isKnown }) => ({
          what,
          before: old,
          after: now,
          is_known: isKnown,
        }));
      if (reported.length > 0) changes.push({ run, differences: reported });
    }
    before = now;
  }
  return changes;
}

/** All that `environmentDifferences` may tell; most runs have the very same. */
function serializeEnvironment({ controller, falcon_exp_version, environment }: Surroundings): string {
  const { machine_state: _, memory_bandwidth: __, environment_variables: ___, ...same } = environment ?? {};
  return JSON.stringify([controller.hostname, falcon_exp_version, same]);
}

const MOST_MISSED = 10_000;

/**
 * Times at which a run every `every_sec` seconds should have begun and none did, up to `now`. A run may come half a period late;
 * after each run the clock starts anew. At most ten thousand of them.
 */
export function missedRuns(
  runs: readonly Pick<HistoryRun, "started_at">[],
  every_sec: number,
  now: Date,
): readonly string[] {
  const times = runs.map(({ started_at }) => Date.parse(started_at));
  const period = every_sec * 1000;
  return times
    .flatMap((time, index) => {
      const next = times[index + 1];
      // Between runs the next one counts as of its own slot; up to now a slot is missed once it is half a period past.
      const periods = ((next ?? now.getTime()) - time) / period;
      const missed = next === undefined ? Math.floor(periods - 0.5) : Math.round(periods) - 1;
      const length = Math.min(MOST_MISSED, Math.max(0, missed));
      return Array.from({ length }, (_, i) => new Date(time + (i + 1) * period).toISOString());
    })
    .slice(0, MOST_MISSED);
}
