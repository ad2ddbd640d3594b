/**
 * What two ends say to each other over a network that fails: everything arrives once and in order, or not at all. An end keeps what it
 * has said until the other has it, and says it again where that takes long; nothing depends on which connection carried what.
 */
import { z } from "zod";
import { parseJson } from "../../base/json.js";

const headSchema = z.strictObject({
  session: z.string(),
  /** From 1; 0: nothing but what was received so far. */
  seq: z.int().min(0),
  /** The newest that was said. */
  said: z.int().min(0),
  /** The newest that was received with all before it. */
  ack: z.int().min(0),
  item: z.json(),
});
type Head = z.infer<typeof headSchema>;

/** Null where it is none. */
export function parseHead(frame: Buffer | undefined): Head | null {
  return headSchema.safeParse(parseJson(String(frame ?? ""))).data ?? null;
}

/** After so long without an answer it is said again. */
const AGAIN_SEC = 1;
/** At once: what was lost is mostly little, and a slow line must not be flooded. */
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

  /** Whether the other end is known to have said what is still to come. */
  get isBehind(): boolean {
    return this.#theirSaid > this.#received;
  }

  say(item: unknown, payload: Uint8Array | null = null): void {
    const said = { seq: ++this.#said, item, payload };
    this.#unheard.push(said);
    this.#transmit(said);
  }

  /** Frames of this session. */
  hear({ seq, said, ack, item }: Head, payload: Buffer | null): void {
    this.#theirSaid = Math.max(this.#theirSaid, said);
    this.#unheard = this.#unheard.filter((one) => one.seq > ack);
    // What comes twice, or too early, is said again later.
    if (seq !== this.#received + 1) return;
    this.#received = seq;
    this.options.onItem(item, payload);
  }

  /** Tells the other end at once what was received. */
  acknowledge(): void {
    this.#transmit({ seq: 0, item: null, payload: null });
  }

  /** About once a second: what was received, and again what the other end does not seem to have. */
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
