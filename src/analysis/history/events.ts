/** What happened between runs: changes of libraries, drivers or machine, and scheduled runs that did not take place. */
import { environmentDifferences, GIT_COMMIT, type Surroundings } from "../compare/environment-diff.js";
import type { HistoryRun } from "./series.js";

export interface EnvironmentDifference {
  /** A library's name, `GPU driver`, `CPU`, … */
  readonly what: string;
  readonly before: string | null;
  readonly after: string | null;
  /** False if one of the two runs did not record it, so that it may be the same. */
  readonly is_known: boolean;
}

export interface EnvironmentChange {
  /** Index of the first run in the new environment. */
  readonly run: number;
  readonly differences: readonly EnvironmentDifference[];
}

/**
 * Compares each run with the last run before it whose environment is known. Git commits of the folder where runs are started are
 * not reported, because they change with every run.
 */
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

/**
 * Everything that `environmentDifferences` may report, as one text. Comparing it first saves work, because most runs have exactly
 * the same.
 */
function serializeEnvironment({ controller, falcon_exp_version, environment }: Surroundings): string {
  const { machine_state: _, memory_bandwidth: __, environment_variables: ___, ...same } = environment ?? {};
  return JSON.stringify([controller.hostname, falcon_exp_version, same]);
}

const MOST_MISSED = 10_000;

/**
 * Returns the times up to `now` at which a run was due, one every `every_sec` seconds, but none began. A run may be up to half a
 * period late, and the clock starts over with each run. At most ten thousand times are returned.
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
      // The next run counts for the slot nearest to it; after the last run, a slot is missed once it is half a period ago.
      const periods = ((next ?? now.getTime()) - time) / period;
      const missed = next === undefined ? Math.floor(periods - 0.5) : Math.round(periods) - 1;
      const length = Math.min(MOST_MISSED, Math.max(0, missed));
      return Array.from({ length }, (_, i) => new Date(time + (i + 1) * period).toISOString());
    })
    .slice(0, MOST_MISSED);
}
