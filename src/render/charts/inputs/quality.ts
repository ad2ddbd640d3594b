import { safeLine } from "../../../base/text.js";
import type { RunSummary } from "../../../run/summary-schema.js";
import { shownName } from "../../words/names.js";
import { MOST_TEXTS, type QualityInput } from "../quality.js";

/** Null if no configuration was compared with its reference on any text. */
export function qualityInput(summary: RunSummary, randomNote: string | null): QualityInput | null {
  const rows = summary.configurations.flatMap((configuration) =>
    configuration.quality.flatMap(({ text_id, ppl_ratio }) =>
      ppl_ratio === null
        ? []
        : [
            {
              configuration: configuration.id,
              label: shownName(configuration),
              text: safeLine(text_id),
              ratio: ppl_ratio.value,
              low: ppl_ratio.ci95_low,
              high: ppl_ratio.ci95_high,
            },
          ],
    ),
  );
  const texts = [...new Set(rows.map(({ text }) => text))].slice(0, MOST_TEXTS);
  if (texts.length === 0) return null;
  return {
    modelName: safeLine(summary.model_name),
    texts,
    randomNote,
    rows: rows.filter(({ text }) => texts.includes(text)),
  };
}
