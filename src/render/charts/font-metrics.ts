/**
 * Text widths in the font that the PNGs are drawn with. Without a canvas, Vega assumes 0.8 em per character, a third too much,
 * which leaves gaps; its own hook for better widths is `textMetrics.width`.
 */

export interface FontMetrics {
  /** Width in pixels at `fontSize`, without kerning. */
  width(text: string, fontSize: number): number;
}

/** Reads the advance widths (`cmap` format 4, `hmtx`) of a TrueType font; the format is that of the OpenType specification. */
export function readFontMetrics(font: Buffer): FontMetrics {
  const tables = tableOffsets(font);
  const unitsPerEm = font.readUInt16BE(tables.head + 18);
  const metricsCount = font.readUInt16BE(tables.hhea + 34);
  const findGlyph = glyphLookup(font, tables.cmap);
  const advances = new Map<number, number>();
  const advance = (codePoint: number): number => {
    const known = advances.get(codePoint);
    if (known !== undefined) return known;
    // Glyphs after the last metric share its advance.
    const index = Math.min(findGlyph(codePoint), metricsCount - 1);
    const read = font.readUInt16BE(tables.hmtx + index * 4);
    advances.set(codePoint, read);
    return read;
  };
  return {
    width(text, fontSize) {
      let units = 0;
      for (const character of text) units += advance(character.codePointAt(0) ?? 0);
      return (units / unitsPerEm) * fontSize;
    },
  };
}

type TableName = "head" | "hhea" | "hmtx" | "cmap";

function tableOffsets(font: Buffer): Record<TableName, number> {
  const found = new Map<string, number>();
  const count = font.readUInt16BE(4);
  for (let i = 0; i < count; i++) {
    const entry = 12 + i * 16;
    found.set(font.toString("latin1", entry, entry + 4), font.readUInt32BE(entry + 8));
  }
  const offset = (name: TableName): number => {
    const at = found.get(name);
    if (at === undefined) throw new Error(`the font has no ${name} table`);
    return at;
  };
  return { head: offset("head"), hhea: offset("hhea"), hmtx: offset("hmtx"), cmap: offset("cmap") };
}

/** Returns a lookup of the glyph index of a code point in the basic plane; 0 (the missing-glyph box) for any other. */
function glyphLookup(font: Buffer, cmap: number): (codePoint: number) => number {
  const count = font.readUInt16BE(cmap + 2);
  const subtables = Array.from({ length: count }, (_, i) => cmap + font.readUInt32BE(cmap + 4 + i * 8 + 4));
  const table = subtables.find((at) => font.readUInt16BE(at) === 4);
  if (table === undefined) throw new Error("the font has no cmap of format 4");
  const doubled = font.readUInt16BE(table + 6);
  const ends = table + 14;
  const starts = ends + doubled + 2;
  const deltas = starts + doubled;
  const rangeOffsets = deltas + doubled;
  return (codePoint) => {
    for (let i = 0; i < doubled; i += 2) {
      if (codePoint > font.readUInt16BE(ends + i)) continue;
      const start = font.readUInt16BE(starts + i);
      if (codePoint < start) return 0;
      const rangeOffset = font.readUInt16BE(rangeOffsets + i);
      const delta = font.readUInt16BE(deltas + i);
      if (rangeOffset === 0) return (codePoint + delta) & 0xffff;
      const glyph = font.readUInt16BE(rangeOffsets + i + rangeOffset + (codePoint - start) * 2);
      return glyph === 0 ? 0 : (glyph + delta) & 0xffff;
    }
    return 0;
  };
}
