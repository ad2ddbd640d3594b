/** Texts that a model reads. */
import { z } from "zod";

/** Half of a surrogate pair is not a character: no tokenizer reads it, and it cannot be sent. */
const HALF_A_CHARACTER = /\p{Surrogate}/u;

export const anyText = z
  .string()
  .refine((written) => !HALF_A_CHARACTER.test(written), { error: "must be whole characters" });
export const text = anyText.min(1, { error: "must not be empty" });
