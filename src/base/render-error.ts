import pc from "picocolors";
import stringWidth from "string-width";
import { type FalconError, FalconErrorList, type SourcePlace } from "./errors.js";
import { safeLine, safeLines } from "./text.js";

/** Characters of an offending line that are shown around the caret. */
const LINE_WINDOW = 100;

/**
 * Formats an error for people:
 *
 *   experiments/quant.yaml:7:3: error experiment-unknown-key: Unknown key "repeat".
 *     7 | repeat: 3
 *       | ^^^^^^
 *     next: Did you mean repeats?
 */
export function renderError(error: FalconError, options: { readonly color: boolean }): string {
  const errors = error instanceof FalconErrorList ? error.errors : [error];
  const colors = pc.createColors(options.color);
  return errors.map((one) => renderOne(one, colors)).join("\n\n");
}

type Colors = ReturnType<typeof pc.createColors>;

function renderOne(error: FalconError, colors: Colors): string {
  const where = error.place === null ? "" : `${colors.bold(placeText(error.place))}: `;
  const configuration =
    error.configuration === null ? "" : ` in configuration ${safeLine(error.configuration)}`;
  const lines = [`${where}${colors.red(`error ${error.code}`)}${configuration}: ${safeLines(error.message)}`];
  if (error.place?.text != null) lines.push(...excerpt(error.place, error.place.text, colors));
  if (error.next !== null) lines.push(`  ${colors.cyan("next:")} ${safeLines(error.next)}`);
  return lines.join("\n");
}

function placeText(place: SourcePlace): string {
  // A column means nothing without a line (--set); the caret shows it then.
  if (place.line === null) return safeLine(place.source);
  return [safeLine(place.source), place.line, place.column].filter((part) => part !== null).join(":");
}

/** The offending line with a caret under the offending part; a long line is cut around it. */
function excerpt(place: SourcePlace, text: string, colors: Colors): string[] {
  const column = (place.column ?? 1) - 1;
  const from = column > LINE_WINDOW - 20 ? column - 20 : 0;
  const cut = text.slice(from, from + LINE_WINDOW);
  const before = safeLine(`|${cut.slice(0, column - from)}|`).slice(1, -1);
  const marked = safeLine(`|${cut.slice(column - from, column - from + place.length)}|`).slice(1, -1);
  const shown = safeLine(`|${cut}|`).slice(1, -1);
  const number = place.line === null ? "" : String(place.line);
  const gutter = " ".repeat(number.length);
  const lead = from > 0 ? "…" : "";
  const trail = from + LINE_WINDOW < text.length ? "…" : "";
  const indent = " ".repeat(lead.length + stringWidth(before));
  const carets = "^".repeat(Math.max(1, stringWidth(marked)));
  return [
    `  ${colors.dim(`${number} |`)} ${lead}${shown}${trail}`,
    `  ${colors.dim(`${gutter} |`)} ${indent}${colors.red(carets)}`,
  ];
}
