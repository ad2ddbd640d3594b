/** Whether the machine changed during the run, judging by the drift probe's speed at start, middle and end. */
import { pluralize } from "../base/text.js";
import type { DriftProbeRecord } from "../run/record-types.js";
import type { Drift, DriftPoint } from "../run/summary-schema.js";
import { computeEffect } from "./comparison.js";
import { pairedRatio, type RatioPair } from "./paired-ratio.js";
import { effectRange, ratioText } from "./significance.js";

const POSITIONS = ["start", "middle", "end"] as const;

/** Null if no drift probe was measured at the start and again later. */
export function computeDrift(records: readonly DriftProbeRecord[]): Drift | null {
  const first = records[0];
  if (first === undefined) return null;
  const points = [1, 2].flatMap((position): DriftPoint[] => {
    const time = computeEffect(pairedRatio(pairWithStart(records, position)));
    return time === null ? [] : [{ position, time }];
  });
  if (points.length === 0) return null;
  const sentence = `sentinel ${first.configuration}: ${points.map(pointText).join("; ")}`;
  return { configuration: first.configuration, points, sentence };
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

function pointText({ position, time }: DriftPoint): string {
  const name = POSITIONS[position] ?? "";
  const range =
    time.ci99_low === null || time.ci99_high === null
      ? pluralize(time.pairs, "pair")
      : effectRange([time.ci99_low, time.ci99_high]);
  const ratio = `${ratioText(time.ratio)}× the time at the start ${range}`;
  switch (time.verdict) {
    case "more":
      return `the machine was slower at the ${name}: ${ratio}`;
    case "less":
      return `the machine was faster at the ${name}: ${ratio}`;
    case "same":
    case "within-noise":
      return `no drift at the ${name} (${ratio})`;
    case "too-few-repeats":
    case "disturbed":
      return `${name} ${ratio}, too few prompts to tell drift from noise`;
  }
}
