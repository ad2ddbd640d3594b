import { findQualityMeasurement } from "../../../analysis/quality.js";
import { computeQuantile } from "../../../base/statistics.js";
import { safeLine } from "../../../base/text.js";
import type { RunData } from "../../../run/run-data.js";
import { recordedName, shownName } from "../../words/names.js";
import type { KlTailsInput, TailPoint } from "../kl-tails.js";

/** More points would not make the drawn curve any finer. */
const MOST_POINTS = 160;
/** Smaller divergences change no answer; they are drawn at the edge. */
const LEAST_NATS = 1e-4;
/** More curves than this cannot be told apart. */
const MOST_SERIES = 8;

/** Uses the first text. Null if no configuration was compared with its reference on it. */
export function klTailsInput(data: RunData, randomNote: string | null): KlTailsInput | null {
  const [textId] = data.configurations.flatMap(({ quality }) => quality.map(({ text_id }) => text_id));
  if (textId === undefined) return null;
  const rows = data.configurations
    .flatMap((configuration) => {
      const nats = findQualityMeasurement(configuration, textId)?.against_reference?.kl_nats ?? [];
      if (nats.length === 0) return [];
      const { id } = configuration.plan.worker;
      return [
        {
          configuration: id,
          label: shownName(recordedName(configuration)),
          points: tailPoints(nats),
          marks: percentileMarks(nats),
        },
      ];
    })
    .slice(0, MOST_SERIES)
    .map((row, series) => ({ ...row, series }));
  if (rows.length === 0) return null;
  return { modelName: safeLine(data.run.plan.model_name), textId: safeLine(textId), randomNote, rows };
}

/** Returns the curve over all tokens, thinned evenly by the logarithm of the rank, with both ends kept. */
export function tailPoints(klNats: readonly number[]): TailPoint[] {
  const sorted = klNats.toSorted((a, b) => b - a);
  const ranks = new Set<number>();
  const count = Math.min(MOST_POINTS, sorted.length);
  // Even steps on the logarithm, because the tail consists of few tokens.
  for (let step = 0; step < count; step++) {
    ranks.add(Math.round(sorted.length ** (step / Math.max(1, count - 1))));
  }
  return [...ranks].map((rank) => ({
    kl: Math.max(LEAST_NATS, sorted[rank - 1] ?? 0),
    share: rank / sorted.length,
  }));
}

/** The median, the 90th and the 99th percentile; one that has less than a whole token beyond it is left out. */
function percentileMarks(nats: readonly number[]): TailPoint[] {
  const sorted = nats.toSorted((a, b) => a - b);
  const known = [0.5, 0.9, 0.99].filter((probability) => 1 - probability >= 1 / nats.length);
  return known.map((probability) => ({
    kl: Math.max(LEAST_NATS, computeQuantile(sorted, probability)),
    share: 1 - probability,
  }));
}
