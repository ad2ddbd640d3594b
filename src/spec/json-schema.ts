import { z } from "zod";
import { experimentFileSchema } from "./file-schema.js";

/** JSON Schema of the experiment file, for editors; checked in as `experiments/experiment.schema.json`. */
export function experimentJsonSchema(): Record<string, unknown> {
  return z.toJSONSchema(experimentFileSchema, { target: "draft-7", io: "input" }) as Record<string, unknown>;
}
