import { crc32 } from "node:zlib";
import fc from "fast-check";
import { expect, test } from "vitest";
import { canonicalJson } from "../../src/base/json.js";
import { appendChecksum } from "../../src/run/checksummed-line.js";
import { parseRecords } from "../../src/run/reader.js";
import { fakeRun, toJsonl } from "../fixtures/records.js";

const { records } = fakeRun({ configurations: [{ id: "none", reference: true }], prompts: ["a", "b"] });
const sealed = records.map((record) => appendChecksum(JSON.stringify(record)));
const file = Buffer.from(sealed.map((line) => `${line}\n`).join(""));

test("a line's checksum is the CRC-32 of its JSON without it", () => {
  expect(appendChecksum('{"a":"ü"}')).toBe(
    `{"a":"ü","crc32":"${crc32('{"a":"ü"}').toString(16).padStart(8, "0")}"}`,
  );
});

test("what was written is read, with checksums and, from before there were any, without", () => {
  expect(parseRecords(file, "x")).toEqual({ records, warnings: [] });
  expect(parseRecords(Buffer.from(toJsonl(records)), "x")).toEqual({ records, warnings: [] });
});

test("a flipped bit anywhere is told with its line, and every other record is kept", () => {
  const asText = new Set(records.map((record) => canonicalJson(record)));
  fc.assert(
    fc.property(fc.nat(file.length * 8 - 1), (bit) => {
      const damaged = Buffer.from(file);
      const at = bit >> 3;
      damaged.writeUInt8(damaged.readUInt8(at) ^ (1 << (bit & 7)), at);
      const line = file.subarray(0, at).filter((byte) => byte === 0x0a).length + 1;
      const read = parseRecords(damaged, "x");
      expect(read.records.every((record) => asText.has(canonicalJson(record)))).toBe(true);
      const isLineEnd = file.readUInt8(at) === 0x0a;
      // If the flipped bit is in a line's newline, nothing that was measured is damaged.
      expect(read.records).toHaveLength(isLineEnd ? records.length : records.length - 1);
      if (!isLineEnd) expect(read.warnings[0]).toMatchObject({ line });
    }),
    { numRuns: 2000 },
  );
});

test("a file cut off anywhere keeps every record before the cut", () => {
  fc.assert(
    fc.property(fc.nat(file.length), (length) => {
      const whole = file.subarray(0, length).filter((byte) => byte === 0x0a).length;
      const read = parseRecords(file.subarray(0, length), "x");
      // A line that lacks only its newline is whole.
      expect([whole, whole + 1]).toContain(read.records.length);
      expect(read.records).toEqual(records.slice(0, read.records.length));
    }),
  );
});

test("what an answer says cannot pass for a checksum", () => {
  const text = '","crc32":"00000000"}\n{"schema_version":99}';
  const [run] = fakeRun({ modelName: text }).records;
  const read = parseRecords(Buffer.from(`${appendChecksum(JSON.stringify(run))}\n`), "x");
  expect(read).toMatchObject({ records: [{ plan: { model_name: text } }], warnings: [] });
});
