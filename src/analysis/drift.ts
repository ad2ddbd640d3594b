/** Whether the machine changed during the run, judging by the drift probe's speed at start, middle and end. */
import type { DriftProbeRecord } from "../run/record-types.js";
import type { Drift, DriftPoint } from "../run/summary-schema.js";
import { computeEffect } from "./comparison.js";
import { pairedRatio, type RatioPair } from "./paired-ratio.js";

export type DriftFigures = Omit<Drift, "sentence">;

/** Null if no drift probe was measured at the start and again later. */
export function computeDrift(records: readonly DriftProbeRecord[]): DriftFigures | null {
  const first = records[0];
  if (first === undefined) return null;
  const points = [1, 2].flatMap((position): DriftPoint[] => {
    const time = computeEffect(pairedRatio(pairWithStart(records, position)));
    return time === null ? [] : [{ position, time }];
  });
  if (points.length === 0) return null;
  return { configuration: first.configuration, points };
}

function pairWithStart(records: readonly DriftProbeRecord[], position: number): RatioPair[] {
  const readSeconds = (record: DriftProbeRecord) =>
    record.status === "completed" ? (record.measurement.tpot_sec ?? record.measurement.elapsed_sec) : null;
  const start = new Map(
    records
      .filter((record) => record.position === 0)
      .map((record) => [record.prompt_index, readSeconds(record)]),
  );
  return records
    .filter((record) => record.position === position)
    .flatMap((record) => {
      const own = readSeconds(record);
      const before = start.get(record.prompt_index) ?? null;
      return own === null || before === null ? [] : [{ own, reference: before, round: 0 }];
    });
}
