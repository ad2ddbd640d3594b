/**
 * A line of `records.jsonl` with its checksum: the record's JSON with `,"crc32":"xxxxxxxx"` inserted before its last brace. The
 * checksum is the CRC-32 (zlib's, eight hexadecimal digits) of the bytes of the record's JSON without it. A flipped bit
 * anywhere is detected.
 */
import { crc32 } from "node:zlib";

const CHECKSUM = /,"crc32":"([0-9a-f]{8})"\}$/;
const CHECKSUM_BYTES = ',"crc32":"00000000"}'.length;
/** Only ever finds checksums, because quotes inside a JSON string would be escaped. */
const ANY_CHECKSUM = /,"crc32":"[0-9a-f]{8}"\}/g;

/** Returns the line for a record's JSON text, without the line end. */
export function appendChecksum(json: string): string {
  return `${json.slice(0, -1)},"crc32":"${hex(crc32(json))}"}`;
}

/**
 * `intact`: `json` holds what was written. `no-checksum`: a line from before there were checksums. `broken`: the line is not
 * what was written.
 */
export type VerifiedLine =
  | { readonly kind: "intact" | "no-checksum"; readonly json: Buffer }
  | { readonly kind: "broken" };

export function verifyChecksum(line: Buffer): VerifiedLine {
  const tail = line.subarray(Math.max(0, line.length - CHECKSUM_BYTES)).toString("latin1");
  const expected = CHECKSUM.exec(tail)?.[1];
  if (expected === undefined) return { kind: "no-checksum", json: line };
  const json = Buffer.concat([line.subarray(0, line.length - CHECKSUM_BYTES), Buffer.from("}")]);
  return hex(crc32(json)) === expected ? { kind: "intact", json } : { kind: "broken" };
}

/**
 * Splits a line into the lines that look like one because the line end between them was damaged: cuts after each checksum and
 * leaves out the byte that was the line end. Returns one piece if there is nothing to cut.
 */
export function splitAtChecksums(line: Buffer): readonly Buffer[] {
  const pieces: Buffer[] = [];
  let start = 0;
  // Latin-1 keeps positions in characters equal to positions in bytes.
  for (const match of line.toString("latin1").matchAll(ANY_CHECKSUM)) {
    const end = match.index + match[0].length;
    pieces.push(line.subarray(start, end));
    start = end + 1;
  }
  if (start < line.length) pieces.push(line.subarray(start));
  return pieces;
}

function hex(checksum: number): string {
  return checksum.toString(16).padStart(8, "0");
}
