/**
 * A stream between two ends over a network that fails: everything arrives once and in order, or not at all. Each end keeps what
 * it has sent until the other end has it, and sends it again if that takes long; it does not matter which connection carried
 * what.
 */
import { z } from "zod";
import { parseJson } from "../../base/json.js";

const headSchema = z.strictObject({
  session: z.string(),
  /** Counts from 1; 0 for a frame that only tells what was received so far. */
  seq: z.int().min(0),
  /** Number of the newest item that was sent. */
  said: z.int().min(0),
  /** Number of the newest item that was received together with all items before it. */
  ack: z.int().min(0),
  item: z.json(),
});
type Head = z.infer<typeof headSchema>;

/** Null if the frame has no valid head. */
export function parseHead(frame: Buffer | undefined): Head | null {
  return headSchema.safeParse(parseJson(String(frame ?? ""))).data ?? null;
}

/** After this long without an acknowledgement, an item is sent again. */
const AGAIN_SEC = 1;
/** The most items sent again at once: usually little was lost, and a slow connection must not be flooded. */
const MOST_AGAIN = 64;

interface Said {
  readonly seq: number;
  readonly item: unknown;
  readonly payload: Uint8Array | null;
}

export interface StreamOptions {
  readonly session: string;
  readonly transmit: (frames: (string | Uint8Array)[]) => void;
  readonly onItem: (item: unknown, payload: Buffer | null) => void;
}

export class ReliableStream {
  #unheard: Said[] = [];
  #said = 0;
  #received = 0;
  #saidAgainSec = 0;
  #theirSaid = 0;

  constructor(private readonly options: StreamOptions) {}

  get isAllHeard(): boolean {
    return this.#unheard.length === 0;
  }

  /** Whether the other end is known to have sent something that has not arrived yet. */
  get isBehind(): boolean {
    return this.#theirSaid > this.#received;
  }

  say(item: unknown, payload: Uint8Array | null = null): void {
    const said = { seq: ++this.#said, item, payload };
    this.#unheard.push(said);
    this.#transmit(said);
  }

  /** Takes a frame of this session. */
  hear({ seq, said, ack, item }: Head, payload: Buffer | null): void {
    this.#theirSaid = Math.max(this.#theirSaid, said);
    this.#unheard = this.#unheard.filter((one) => one.seq > ack);
    // An item that comes twice is not needed, and one that comes too early is sent again later.
    if (seq !== this.#received + 1) return;
    this.#received = seq;
    this.options.onItem(item, payload);
  }

  /** Tells the other end at once what was received. */
  acknowledge(): void {
    this.#transmit({ seq: 0, item: null, payload: null });
  }

  /** Called about once a second: tells what was received, and sends again what the other end does not seem to have. */
  tick(nowSec: number): void {
    if (this.isAllHeard || nowSec - this.#saidAgainSec < AGAIN_SEC) {
      this.acknowledge();
      return;
    }
    this.#saidAgainSec = nowSec;
    for (const said of this.#unheard.slice(0, MOST_AGAIN)) this.#transmit(said);
  }

  #transmit({ seq, item, payload }: Said): void {
    const { session } = this.options;
    const head = JSON.stringify({ session, seq, said: this.#said, ack: this.#received, item });
    this.options.transmit(payload === null ? [head] : [head, payload]);
  }
}
