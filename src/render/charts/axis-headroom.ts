/** How much text fits: charts are as wide as there is room, and no name is cut off by Vega. */
import { breakLines } from "./style.js";

/** Of DejaVu Sans, in em; digits and lower case, and bold. */
const CHARACTER_EM = 0.62;
const BOLD_CHARACTER_EM = 0.69;

export const TITLE_FONT_SIZE = 14;
export const LABEL_FONT_SIZE = 11;

/** Characters of a bold title that fit into so many pixels. */
export function titleCharacters(width: number): number {
  return Math.max(12, Math.floor(width / (TITLE_FONT_SIZE * BOLD_CHARACTER_EM)));
}

/** Characters of this size that fit into so many pixels. */
export function charactersIn(width: number, fontSize = LABEL_FONT_SIZE): number {
  return Math.max(6, Math.floor(width / (fontSize * CHARACTER_EM)));
}

/** Pixels that a text of so many characters takes. */
export function textWidth(characters: number, fontSize = LABEL_FONT_SIZE): number {
  return characters * fontSize * CHARACTER_EM;
}

export interface NamedRow {
  readonly configuration: string;
  readonly label: string;
  /** Each a line of its own under the label. */
  readonly remarks?: readonly string[];
}

/** A configuration's label broken into lines (`\n`), unique among them: configuration → name. */
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

/** Pixels that the widest line of these names takes. */
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
