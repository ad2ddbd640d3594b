/** What the two ends of a remote worker say to each other, besides the messages of controller and worker that they carry. */
import { z } from "zod";

const lane = z.enum(["work", "control"]);

export const fromControllerSchema = z.discriminatedUnion("type", [
  /** What this end is; answered by `described`. */
  z.strictObject({ type: z.literal("describe"), version: z.string(), worker_code_sha256: z.string() }),
  /** Start a worker in this session. */
  z.strictObject({ type: z.literal("open"), run: z.string() }),
  z.strictObject({ type: z.literal("message"), lane }),
  z.strictObject({ type: z.literal("signal"), signal: z.enum(["SIGTERM", "SIGKILL"]) }),
  z.strictObject({ type: z.literal("close") }),
]);
export type FromController = z.infer<typeof fromControllerSchema>;

export const fromHostSchema = z.discriminatedUnion("type", [
  z.strictObject({
    type: z.literal("described"),
    hostname: z.string(),
    platform: z.string(),
    /** Null where it was not prepared. */
    builtin_model_path: z.string().nullable(),
    /** Where log-probabilities of runs lie there. */
    folder: z.string(),
  }),
  z.strictObject({ type: z.literal("refused"), code: z.string(), message: z.string() }),
  z.strictObject({ type: z.literal("message"), lane }),
  z.strictObject({ type: z.literal("stderr"), lines: z.array(z.string()) }),
  z.strictObject({
    type: z.literal("exit"),
    exit_code: z.int().nullable(),
    signal: z.string().nullable(),
  }),
]);
export type FromHost = z.infer<typeof fromHostSchema>;

/** So long a network may be gone: then a worker is given up, at either end. */
export const RECONNECT_SEC = 120;
export const TICK_SEC = 1;

/** Of every socket: a connection that is dead without having said so is made anew. */
export const KEEPALIVE = { heartbeatInterval: 1000, heartbeatTimeout: 4000, reconnectInterval: 500 } as const;
