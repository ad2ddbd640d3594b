import { z } from "zod";

/** Version of the wire format. Both ends refuse any other. */
export const PROTOCOL_VERSION = 1;

export const nonNegativeInt = z.int().min(0);
export const positiveInt = z.int().min(1);
export const seconds = z.number().min(0);
export const bytes = z.int().min(0);

/** The phases of a configuration's life in the worker, in order. Each has its own progress deadline. */
export const phaseSchema = z.enum(["start", "load", "warmup", "measure", "profile", "quality", "unload"]);
export type Phase = z.infer<typeof phaseSchema>;
