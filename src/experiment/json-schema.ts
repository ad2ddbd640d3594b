import { z } from "zod";
import { experimentFileSchema } from "./file-schema.js";

let made: Readonly<Record<string, unknown>> | null = null;

/** JSON Schema of the experiment file, for editors; checked in as `experiments/experiment.schema.json`. */
export function experimentJsonSchema(): Readonly<Record<string, unknown>> {
  // Made only once, because it never changes and is looked up for every unknown key of a file.
  made ??= {
    ...(z.toJSONSchema(experimentFileSchema, { target: "draft-7", io: "input" }) as Record<string, unknown>),
    // These keys hold anchors, and are removed before a file is validated.
    patternProperties: { "^x-": {} },
  };
  return made;
}
