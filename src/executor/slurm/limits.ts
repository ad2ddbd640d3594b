/** How many tasks a Slurm takes: in one array, in its queue, and in its own words when it takes no more. Pure. */

export interface SlurmLimits {
  /** An index of an array stays below it. */
  readonly maxArraySize: number;
  /** Of everybody's jobs together, each task of an array counted, waiting ones and those that ended lately too. */
  readonly maxJobCount: number;
}

/** Slurm's own, where nothing else is known. */
export const DEFAULT_LIMITS: SlurmLimits = { maxArraySize: 1001, maxJobCount: 10_000 };

/** Of what `scontrol show config` prints. */
export function parseLimits(text: string): SlurmLimits {
  const read = (key: string) => Number(text.match(new RegExp(`^${key}\\s*=\\s*(\\d+)`, "m"))?.[1] ?? 0);
  return {
    maxArraySize: read("MaxArraySize") || DEFAULT_LIMITS.maxArraySize,
    maxJobCount: read("MaxJobCount") || DEFAULT_LIMITS.maxJobCount,
  };
}

/** Too many jobs are there already: of this user, account or quality of service, or of all. */
const FULL =
  /\b(?:Assoc|QOS)\w*SubmitJobs?\w*Limit\b|temporarily unable to accept job|Resource temporarily unavailable/i;

/** Whether what sbatch said may end by waiting. Other limits (time, size) stay, and end the run at once. */
export function saysFull(said: string): boolean {
  return FULL.test(said);
}

const UNANSWERED =
  /Unable to contact slurm controller|Socket timed out|Zero Bytes were transmitted|Connection (?:refused|reset|timed out)/i;

/** Whether it stayed without an answer, so that Slurm may have taken the job all the same. */
export function saysUnanswered(said: string): boolean {
  return UNANSWERED.test(said);
}
