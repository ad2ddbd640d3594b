/** What a terminal without UTF-8 can show: signs that this program uses; letters of other languages stay as they are. */

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

/** One character for one, so that tables keep their columns. */
export function toAscii(text: string): string {
  return text.replace(JOINTS, "+").replace(OTHERS, (character) => REPLACED[character] ?? character);
}

/** From now on, all text that is written to it. */
export function writeAscii(stream: NodeJS.WriteStream): void {
  const write = stream.write.bind(stream) as (chunk: unknown, ...rest: unknown[]) => boolean;
  stream.write = ((chunk: unknown, ...rest: unknown[]) =>
    write(typeof chunk === "string" ? toAscii(chunk) : chunk, ...rest)) as typeof stream.write;
}
