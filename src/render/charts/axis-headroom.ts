/** Computes how much text fits, so that charts use the room there is and Vega cuts off no name. */
import { breakLines } from "./style.js";

/** Character widths of DejaVu Sans in em, for digits and lower case, in regular and in bold. */
const CHARACTER_EM = 0.62;
const BOLD_CHARACTER_EM = 0.69;

export const TITLE_FONT_SIZE = 14;
export const LABEL_FONT_SIZE = 11;

/** The number of characters of a bold title that fit into `width` pixels. */
export function titleCharacters(width: number): number {
  return Math.max(12, Math.floor(width / (TITLE_FONT_SIZE * BOLD_CHARACTER_EM)));
}

/** The number of characters of this size that fit into `width` pixels. */
export function charactersIn(width: number, fontSize = LABEL_FONT_SIZE): number {
  return Math.max(6, Math.floor(width / (fontSize * CHARACTER_EM)));
}

/** The width in pixels of a text of this many characters. */
export function textWidth(characters: number, fontSize = LABEL_FONT_SIZE): number {
  return characters * fontSize * CHARACTER_EM;
}

export interface NamedRow {
  readonly configuration: string;
  readonly label: string;
  /** Each starts a line of its own under the label. */
  readonly remarks?: readonly string[];
}

/** Maps each configuration to its label, broken into lines (`\n`) and unique among the rows. */
export function rowNames(
  rows: readonly NamedRow[],
  characters: number,
  mostLines: number,
): ReadonlyMap<string, string> {
  const names = new Map<string, string>();
  const taken = new Set<string>();
  for (const { configuration, label, remarks = [] } of rows) {
    if (names.has(configuration)) continue;
    const lines = [
      ...breakLines(label, characters, mostLines),
      ...remarks.flatMap((remark) => breakLines(remark, characters, 2)),
    ];
    const name = lines.join("\n");
    const unique = taken.has(name) ? `${name} #${taken.size + 1}` : name;
    taken.add(unique);
    names.set(configuration, unique);
  }
  return names;
}

/** The width in pixels of the widest line of these names. */
export function namesWidth(names: Iterable<string>): number {
  return textWidth(
    Math.max(1, ...Array.from(names, (name) => Math.max(...name.split("\n").map(({ length }) => length)))),
  );
}

/** The smallest end of an axis of `width` pixels at which every label fits between its mark and the edge. */
export function axisEndFor(
  labels: readonly { readonly label: string; readonly at: number }[],
  width: number,
  gap: number,
): number {
  const ends = labels.map(({ label, at }) => {
    const room = Math.max(width / 4, width - textWidth(label.length) - gap);
    return at * (width / room);
  });
  return Math.max(0, ...ends) || 1;
}
