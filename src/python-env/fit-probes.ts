import { z } from "zod";
import { parseJson } from "../base/json.js";
import type { WorkerConfiguration } from "../protocol/configuration.js";
import { lastLines, runPython } from "./python-command.js";
import { type Env, setupError } from "./types.js";

export interface FitSearch {
  readonly configuration: WorkerConfiguration;
  /** Which of the two is searched for; the other one is fixed. */
  readonly search: "context" | "batch";
  readonly context: number;
  readonly batch: number;
  readonly least: number;
  readonly most: number;
  /** The value to try first. */
  readonly guess: number;
  readonly memory_bytes: number;
}

const probeSchema = z.object({
  event: z.literal("probe"),
  value: z.number(),
  fits: z.boolean(),
  peak_bytes: z.number().nullable(),
  reason: z.string().nullable(),
});
const doneSchema = z.object({
  event: z.literal("done"),
  /** Null if not even the least fits. */
  largest: z.number().nullable(),
  largest_peak_bytes: z.number().nullable(),
  /** Null if the most fits. */
  smallest_failed: z.number().nullable(),
  reason: z.string().nullable(),
});
const errorSchema = z.object({ event: z.literal("error"), code: z.string(), message: z.string() });
const eventSchema = z.discriminatedUnion("event", [probeSchema, doneSchema, errorSchema]);
export type FitProbe = z.infer<typeof probeSchema>;
export type FitFound = z.infer<typeof doneSchema> | z.infer<typeof errorSchema>;

/** Runs the program that searches for the largest value that fits. Throws FalconError if it ends without an answer. */
export async function probeFit(
  python: string,
  search: FitSearch,
  options: { readonly env: Env; readonly pythonPath: string; readonly onProbe: (probe: FitProbe) => void },
): Promise<FitFound> {
  let found: FitFound | null = null;
  const { stderr } = await runPython(python, ["-m", "falcon_exp.worker.fit_measure"], {
    env: options.env,
    pythonPath: options.pythonPath,
    input: `${JSON.stringify(search)}\n`,
    onLine: (line) => {
      const event = readEvent(line);
      if (event?.event === "probe") options.onProbe(event);
      else if (event !== null) found = event;
    },
  });
  if (found !== null) return found;
  throw setupError({
    code: "setup-environment-unsuitable",
    message: `${python} could not try the model:\n${lastLines(stderr)}`,
    next: "Run `falcon-exp doctor` to see what is missing.",
  });
}

/** Null for a line that a library wrote in between. */
function readEvent(line: string) {
  return eventSchema.safeParse(parseJson(line)).data ?? null;
}
