import wrapAnsi from "wrap-ansi";

/**
 * Wraps text at spaces to `width` terminal columns (wide characters count two); a line's own indentation is kept on
 * its continuation lines. Expects text without control characters (`safeLines`).
 */
export function wrapText(text: string, width: number): string[] {
  const columns = Math.max(2, Math.floor(width));
  return text.split("\n").flatMap((line) => {
    const indent = /^ */.exec(line)?.[0].slice(0, Math.floor(columns / 2)) ?? "";
    const lines = wrapAnsi(line.trim(), columns - indent.length, { hard: true }).split("\n");
    return lines.map((part) => (indent + part).trimEnd());
  });
}
