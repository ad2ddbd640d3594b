const Z85 = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#";

/** The bytes of ZeroMQ's text form of a key (RFC 32). */
export function decodeZ85(text: string): Uint8Array {
  const bytes = new Uint8Array((text.length / 5) * 4);
  const view = new DataView(bytes.buffer);
  for (let at = 0; at + 5 <= text.length; at += 5) {
    const word = Array.from(text.slice(at, at + 5)).reduce((sum, char) => sum * 85 + Z85.indexOf(char), 0);
    view.setUint32((at / 5) * 4, word);
  }
  return bytes;
}
