/** How many tasks Slurm accepts in one array and in its queue, and how it says that it accepts no more. Pure. */

export interface SlurmLimits {
  /** Every index of an array must be below this. */
  readonly maxArraySize: number;
  /** The most jobs of all users together. Each task of an array counts, and so do waiting jobs and those that ended recently. */
  readonly maxJobCount: number;
}

/** Slurm's own defaults, used if its configuration is not known. */
export const DEFAULT_LIMITS: SlurmLimits = { maxArraySize: 1001, maxJobCount: 10_000 };

/** Reads the limits from what `scontrol show config` prints. */
export function parseLimits(text: string): SlurmLimits {
  const read = (key: string) => Number(text.match(new RegExp(`^${key}\\s*=\\s*(\\d+)`, "m"))?.[1] ?? 0);
  return {
    maxArraySize: read("MaxArraySize") || DEFAULT_LIMITS.maxArraySize,
    maxJobCount: read("MaxJobCount") || DEFAULT_LIMITS.maxJobCount,
  };
}

/** There are too many jobs already: of this user, account or quality of service, or of all users. */
const FULL =
  /\b(?:Assoc|QOS)\w*SubmitJobs?\w*Limit\b|temporarily unable to accept job|Resource temporarily unavailable/i;

/** Whether sbatch named a limit that waiting may lift. Other limits (time, size) stay, and end the run at once. */
export function saysFull(said: string): boolean {
  return FULL.test(said);
}

const UNANSWERED =
  /Unable to contact slurm controller|Socket timed out|Zero Bytes were transmitted|Connection (?:refused|reset|timed out)/i;

/** Whether sbatch got no answer, so that Slurm may have accepted the job all the same. */
export function saysUnanswered(said: string): boolean {
  return UNANSWERED.test(said);
}
