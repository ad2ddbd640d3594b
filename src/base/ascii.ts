/** Replaces the symbols that this program uses for terminals without UTF-8; letters of other languages stay as they are. */

const REPLACED: Readonly<Record<string, string>> = {
  "─": "-",
  "│": "|",
  "×": "x",
  "−": "-",
  "–": "-",
  "—": "-",
  "·": "-",
  "…": "~",
  "→": ">",
  "←": "<",
  "▸": ">",
  "±": "~",
  "²": "2",
  "✓": "+",
  "✗": "x",
};
const JOINTS = /[┌┬┐├┼┤└┴┘]/g;
const OTHERS = new RegExp(`[${Object.keys(REPLACED).join("")}]`, "g");

/** Replaces each character with exactly one other, so that tables keep their columns. */
export function toAscii(text: string): string {
  return text.replace(JOINTS, "+").replace(OTHERS, (character) => REPLACED[character] ?? character);
}

/** Makes the stream convert all text that is written to it from now on. */
export function writeAscii(stream: NodeJS.WriteStream): void {
  const write = stream.write.bind(stream) as (chunk: unknown, ...rest: unknown[]) => boolean;
  stream.write = ((chunk: unknown, ...rest: unknown[]) =>
    write(typeof chunk === "string" ? toAscii(chunk) : chunk, ...rest)) as typeof stream.write;
}
