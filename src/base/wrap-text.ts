import stringWidth from "string-width";

const graphemes = new Intl.Segmenter("en", { granularity: "grapheme" });

/** Cuts a word that is wider than a line into pieces that are not. */
function breakWord(word: string, width: number): string[] {
  const pieces: string[] = [];
  let piece = "";
  let pieceWidth = 0;
  for (const { segment } of graphemes.segment(word)) {
    const segmentWidth = stringWidth(segment);
    if (piece !== "" && pieceWidth + segmentWidth > width) {
      pieces.push(piece);
      piece = "";
      pieceWidth = 0;
    }
    piece += segment;
    pieceWidth += segmentWidth;
  }
  pieces.push(piece);
  return pieces;
}

function wrapLine(line: string, width: number): string[] {
  if (stringWidth(line) <= width) return [line.trimEnd()];
  const indent = /^ */.exec(line)?.[0].slice(0, Math.floor(width / 2)) ?? "";
  const lines: string[] = [];
  let current = indent;
  let currentWidth = indent.length;
  let isEmpty = true;
  for (const word of line.trim().split(/ +/)) {
    const wordWidth = stringWidth(word);
    if (!isEmpty && currentWidth + 1 + wordWidth <= width) {
      current += ` ${word}`;
      currentWidth += 1 + wordWidth;
      continue;
    }
    if (!isEmpty) lines.push(current);
    const pieces = wordWidth <= width - indent.length ? [word] : breakWord(word, width - indent.length);
    for (const piece of pieces.slice(0, -1)) lines.push(indent + piece);
    const last = pieces.at(-1) ?? "";
    current = indent + last;
    currentWidth = indent.length + stringWidth(last);
    isEmpty = false;
  }
  lines.push(current);
  return lines;
}

/**
 * Wraps text at spaces to `width` terminal columns (wide characters count two); a line's own indentation is kept on
 * its continuation lines. Expects text without control characters (`safeLines`).
 */
export function wrapText(text: string, width: number): string[] {
  const columns = Math.max(2, Math.floor(width));
  return text.split("\n").flatMap((line) => wrapLine(line, columns));
}
