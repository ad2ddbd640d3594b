import { z } from "zod";
import { parseJson } from "../base/json.js";
import { lastLines, runPython } from "./python-command.js";
import { type Env, setupError } from "./types.js";

const eventSchema = z.discriminatedUnion("event", [
  z.object({ event: z.literal("progress"), what: z.string(), detail: z.string() }),
  z.object({ event: z.literal("fetched"), what: z.string(), commit: z.string().nullable() }),
  z.object({ event: z.literal("done") }),
  z.object({ event: z.literal("error"), code: z.string(), message: z.string() }),
]);
export type FetchEvent = z.infer<typeof eventSchema>;
export type FetchError = Extract<FetchEvent, { event: "error" }>;

/** Runs the download program to its end. Null on success, else the error. Throws FalconError if it ends without an answer. */
export async function fetchNeeds(
  python: string,
  needs: object,
  options: { readonly env: Env; readonly pythonPath: string; readonly onEvent: (event: FetchEvent) => void },
): Promise<FetchError | null> {
  let last: FetchEvent | null = null;
  const onLine = (line: string) => {
    const event = readEvent(line);
    if (event === null) return;
    last = event;
    options.onEvent(event);
  };
  const { all } = await runPython(python, ["-m", "falcon_exp.worker.fetch"], {
    env: options.env,
    pythonPath: options.pythonPath,
    input: `${JSON.stringify(needs)}\n`,
    onLine,
  });
  const end = last as FetchEvent | null;
  if (end?.event === "done") return null;
  if (end?.event === "error") return end;
  throw setupError({
    code: "setup-environment-unsuitable",
    message: `The downloading program ended without an answer:\n${lastLines(all)}`,
    next: "Run `falcon-exp doctor` to see what is missing.",
  });
}

/** Null for a line that a library wrote in between. */
function readEvent(line: string): FetchEvent | null {
  return eventSchema.safeParse(parseJson(line)).data ?? null;
}
