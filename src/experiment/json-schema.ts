import { z } from "zod";
import { experimentFileSchema } from "./file-schema.js";

let made: Readonly<Record<string, unknown>> | null = null;

/** JSON Schema of the experiment file, for editors; checked in as `experiments/experiment.schema.json`. */
export function experimentJsonSchema(): Readonly<Record<string, unknown>> {
  // Made once: it never changes, and every unknown key of a file asks for it.
  made ??= {
    ...(z.toJSONSchema(experimentFileSchema, { target: "draft-7", io: "input" }) as Record<string, unknown>),
    // Left out before the schema looks: they hold anchors.
    patternProperties: { "^x-": {} },
  };
  return made;
}
