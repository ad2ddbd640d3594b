/** Formats example commands for any terminal width: long ones continue on the next line in a way that a shell understands. */

/** Each line is `command   what it is for`, with two or more spaces in between. */
export function formatExamples(lines: readonly string[], program: string, columns: number): string {
  const notesFrom = Math.max(0, ...lines.map((line) => `  $ ${program} ${parts(line).command}`.length)) + 2;
  const shown = lines.flatMap((line) => {
    const { command, note } = parts(line);
    const broken = breakCommand(`${program} ${command}`, columns - 2);
    const [first = "", ...rest] = broken.map((piece, index) =>
      index === 0 ? `  $ ${piece}` : `      ${piece}`,
    );
    if (note === "") return [first, ...rest];
    const beside = `${first.padEnd(notesFrom)}${note}`;
    if (rest.length === 0 && beside.length <= columns) return [beside];
    return [first, ...rest, ...wrapWords(note, columns - 8).map((piece) => `      # ${piece}`)];
  });
  return `\nExamples:\n${shown.join("\n")}`;
}

/** Wraps plain words. Unlike `wrapText`, it needs no package, which would have to be loaded at every start of the program. */
export function wrapWords(text: string, columns: number): readonly string[] {
  const lines: string[] = [];
  for (const word of text.split(" ")) {
    const last = lines.at(-1);
    if (last === undefined || last.length + 1 + word.length > columns) lines.push(word);
    else lines[lines.length - 1] = `${last} ${word}`;
  }
  return lines;
}

function parts(line: string): { readonly command: string; readonly note: string } {
  const [command = "", ...rest] = line.split(/ {2,}/);
  return { command, note: rest.join(" ") };
}

/** Breaks a command at spaces; what is in quotes stays in one piece. */
function breakCommand(command: string, columns: number): readonly string[] {
  const words = command.match(/(?:'[^']*'|"[^"]*"|[^ '"])+/g) ?? [];
  const pieces: string[] = [];
  let piece = "";
  for (const word of words) {
    const longer = piece === "" ? word : `${piece} ${word}`;
    if (piece !== "" && longer.length > columns - 6) {
      pieces.push(`${piece} \\`);
      piece = word;
    } else piece = longer;
  }
  return [...pieces, piece];
}
