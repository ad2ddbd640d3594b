/**
 * Lines of older schema versions, made into lines of this one: a chain of pure functions on the JSON, before any schema
 * looks at it, so that the schema knows one version only.
 *
 * A version is raised when a key changes its meaning, is renamed or goes away; then a step is added here, and files made
 * by the version before are kept under test/golden/records. A key that comes within a version gets a default in
 * record-types.ts instead, which says "was not recorded".
 */
import { FalconError } from "../base/errors.js";
import { ExitCode } from "../base/exit-codes.js";

/** A line of version n, as JSON, → the same of version n + 1, but for its `schema_version`. */
export type UpgradeStep = (line: Readonly<Record<string, unknown>>) => Readonly<Record<string, unknown>>;

/** The step at index n - 1 leads from version n to n + 1. None yet: every record there is is of version 1. */
export const UPGRADE_STEPS: readonly UpgradeStep[] = [];

/**
 * The line in the newest version. What is no record at all is given back as it is: the schema says what is wrong with it.
 * Throws FalconError `results-schema-newer`, because guessing what a later version means would falsify.
 */
export function upgradeLine(line: unknown, place: string, steps: readonly UpgradeStep[]): unknown {
  const newest = steps.length + 1;
  if (typeof line !== "object" || line === null || !("schema_version" in line)) return line;
  const { schema_version: version } = line;
  if (typeof version !== "number" || !(version >= 1)) return line;
  if (version > newest) throw refuseNewer(version, newest, place);
  if (!Number.isInteger(version)) return line;
  return steps
    .slice(version - 1)
    .reduce<Readonly<Record<string, unknown>>>(
      (older, step, index) => ({ ...step(older), schema_version: version + index + 1 }),
      line as Readonly<Record<string, unknown>>,
    );
}

function refuseNewer(version: number, newest: number, place: string): FalconError {
  return new FalconError({
    code: "results-schema-newer",
    message: `${place} has schema version ${version}; this falcon-exp reads up to ${newest}.`,
    next: "Update falcon-exp, or read the run with the version that made it (the first line names it).",
    exitCode: ExitCode.resultsFailed,
  });
}
