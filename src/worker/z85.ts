/** ZeroMQ's text form of keys (RFC 32). */
const ALPHABET = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#";

/** Encodes whole groups of four bytes; further bytes are left out. */
export function z85(bytes: Uint8Array): string {
  let text = "";
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = 0; at + 4 <= bytes.byteLength; at += 4) {
    const word = view.getUint32(at);
    for (let power = 85 ** 4; power >= 1; power /= 85) text += ALPHABET[Math.floor(word / power) % 85];
  }
  return text;
}

export function decodeZ85(text: string): Uint8Array {
  const bytes = new Uint8Array((text.length / 5) * 4);
  const view = new DataView(bytes.buffer);
  for (let at = 0; at + 5 <= text.length; at += 5) {
    const word = Array.from(text.slice(at, at + 5)).reduce(
      (sum, char) => sum * 85 + ALPHABET.indexOf(char),
      0,
    );
    view.setUint32((at / 5) * 4, word);
  }
  return bytes;
}
