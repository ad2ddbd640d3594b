import { capability } from "zeromq";

/** How controller and worker reach each other: Unix sockets in a private folder, or TCP on this machine with CURVE. */
export type Transport = "ipc" | "tcp";

/** ipc on every platform that has it. */
export const DEFAULT_TRANSPORT: Transport = capability.ipc === true ? "ipc" : "tcp";

/** Reachable from this machine only, at ports that the system chooses. */
export const LOOPBACK = { work: "tcp://127.0.0.1:*", control: "tcp://127.0.0.1:*" } as const;
