import { z } from "zod";
import { SUMMARY_SCHEMA_VERSION, summarySchema } from "./summary-schema.js";

/** JSON Schema of `summary.json`. It also accepts older summaries, which lack keys that were added later. */
export function summaryJsonSchema(): object {
  const schema = z.toJSONSchema(summarySchema, { target: "draft-2020-12", io: "input", reused: "ref" });
  return { title: `summary.json, schema version ${SUMMARY_SCHEMA_VERSION}`, ...schema };
}
