/** The items that the two ends of a remote worker exchange, including the messages of controller and worker that they carry. */
import { z } from "zod";

const lane = z.enum(["work", "control"]);

export const fromControllerSchema = z.discriminatedUnion("type", [
  /** Says which version this end is; answered by `described` or `refused`. */
  z.strictObject({ type: z.literal("describe"), version: z.string(), worker_code_sha256: z.string() }),
  /** Starts a worker in this session. */
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
    /** Null if it was not prepared. */
    builtin_model_path: z.string().nullable(),
    /** The folder there that holds the log-probabilities of runs. */
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

/** How long the network may be gone before either end gives up the worker. */
export const RECONNECT_SEC = 120;
export const TICK_SEC = 1;

/** Options of every socket, so that a connection that has silently died is made again. */
export const KEEPALIVE = { heartbeatInterval: 1000, heartbeatTimeout: 4000, reconnectInterval: 500 } as const;
