/**
 * `slices.json`: which parts of the plan each slice has, if that was decided by how long the parts take. Written before any
 * task begins and never again, so that every task reads the same.
 */
import { z } from "zod";
import { FalconError } from "../base/errors.js";
import { ExitCode } from "../base/exit-codes.js";
import { readRegularFile } from "../base/files.js";
import { parseJson } from "../base/json.js";
import type { Plan } from "../plan/plan-types.js";
import { dealParts } from "../plan/slices.js";
import type { RunPaths } from "./paths.js";
import { writeResultFile } from "./result-file.js";

const dealSchema = z.strictObject({
  schema_version: z.literal(1),
  slices: z.array(
    z.strictObject({
      /** Numbers of parts, from 0, in the plan's order of references. */
      parts: z.array(z.int().min(0)),
      /** How long the slice was predicted to take; nothing depends on it. */
      predicted_sec: z.number().min(0),
    }),
  ),
});
export type DealtSlice = z.infer<typeof dealSchema>["slices"][number];

/** Writes `slices.json`. Throws FalconError `results-write-failed`. */
export async function writeDeal(run: RunPaths, slices: readonly DealtSlice[]): Promise<void> {
  await writeResultFile(run.slices, `${JSON.stringify({ schema_version: 1, slices })}\n`);
}

/**
 * Returns the parts of each of `count` slices: as in the file if it was written for that many slices, else dealt out so that
 * each slice has about the same number of loads. Throws FalconError `slices-unreadable`.
 */
export async function dealRun(
  run: RunPaths,
  parts: readonly Plan[],
  count: number,
): Promise<readonly (readonly Plan[])[]> {
  const text = await readRegularFile(run.slices).then(String, (error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return null;
    throw unreadable(run, error);
  });
  if (text === null) return dealParts(parts, count);
  const { data } = dealSchema.safeParse(parseJson(text));
  const numbers = data?.slices.flatMap((slice) => slice.parts) ?? [];
  const isWhole = numbers.length === parts.length && new Set(numbers).size === parts.length;
  if (data === undefined || !isWhole || numbers.some((number) => number >= parts.length))
    throw unreadable(run);
  if (data.slices.length !== count) return dealParts(parts, count);
  return data.slices.map((slice) => slice.parts.flatMap((number) => parts[number] ?? []));
}

function unreadable(run: RunPaths, cause?: unknown): FalconError {
  return new FalconError({
    code: "slices-unreadable",
    message: `${run.slices} does not say which parts of the plan each slice has.`,
    next: "Put the file back as it was, or start a new run.",
    exitCode: ExitCode.resultsFailed,
    cause,
  });
}
