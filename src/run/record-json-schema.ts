import { z } from "zod";
import { RECORD_SCHEMA_VERSION, recordSchema } from "./record-types.js";

/**
 * JSON Schema of a line of `records.jsonl`, including its checksum. It also accepts older lines, which lack keys that were
 * added later.
 */
export function recordJsonSchema(): object {
  const schema = z.toJSONSchema(recordSchema, {
    target: "draft-2020-12",
    io: "input",
    reused: "ref",
    override: ({ jsonSchema: { properties } }) => {
      if (properties?.kind !== undefined && properties.run_id !== undefined) properties.crc32 = CHECKSUM;
    },
  });
  return { title: `A line of records.jsonl, schema version ${RECORD_SCHEMA_VERSION}`, ...schema };
}

const CHECKSUM = {
  description: "CRC-32 of the line's bytes without this key; older lines have none",
  type: "string" as const,
  pattern: "^[0-9a-f]{8}$",
};
