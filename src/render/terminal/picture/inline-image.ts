/** Escape sequences that draw a PNG between the lines of a terminal. */

/** Not every terminal accepts longer chunks. */
const KITTY_CHUNK_CHARACTERS = 4096;

/** The kitty graphics protocol, https://sw.kovidgoyal.net/kitty/graphics-protocol/; height follows from the width in columns. */
export function kittyImage(png: Uint8Array, columns: number): string {
  const data = Buffer.from(png).toString("base64");
  const chunks = data.match(new RegExp(`.{1,${KITTY_CHUNK_CHARACTERS}}`, "g")) ?? [];
  const sequences = chunks.map((chunk, index) => {
    // a=T: transmit and show; f=100: PNG; q=2: no replies, because nobody reads them.
    const first = index === 0 ? `a=T,f=100,c=${columns},q=2,` : "";
    return `\u001b_G${first}m=${index < chunks.length - 1 ? 1 : 0};${chunk}\u001b\\`;
  });
  return sequences.join("");
}

/** iTerm2's inline images, https://iterm2.com/documentation-images.html; WezTerm and mintty support them too. */
export function itermImage(png: Uint8Array, columns: number): string {
  const settings = `inline=1;size=${png.byteLength};width=${columns};preserveAspectRatio=1`;
  return `\u001b]1337;File=${settings}:${Buffer.from(png).toString("base64")}\u0007`;
}
