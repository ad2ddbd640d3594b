import { z } from "zod";
import {
  type ControllerMessage,
  controllerMessageSchema,
  type WorkerMessage,
  workerMessageSchema,
} from "./messages.js";

/** A message that breaks the contract. Never ignored: the side that sent it cannot be trusted any more. */
export class ProtocolError extends Error {
  constructor(
    message: string,
    /** The start of what was received, for the log. */
    readonly excerpt: string,
  ) {
    super(message);
    this.name = "ProtocolError";
  }
}

/** Largest message accepted, in bytes: an answer of a million tokens fits, a flood does not. */
export const MAX_MESSAGE_BYTES = 64 * 1024 * 1024;

const EXCERPT_CHARACTERS = 200;
const HALF_A_CHARACTER = /\p{Surrogate}/u;

/**
 * Encodes a message. Messages are validated when sent too, so that a defect shows where it was made, not at the other end. Throws
 * ProtocolError.
 */
export function encodeControllerMessage(message: ControllerMessage): string {
  const checked = controllerMessageSchema.safeParse(message);
  const text = JSON.stringify(message);
  if (!checked.success) {
    throw new ProtocolError(
      `refusing to send: ${z.prettifyError(checked.error)}`,
      text.slice(0, EXCERPT_CHARACTERS),
    );
  }
  return text;
}

/** Throws ProtocolError on anything but a valid message: wrong version, unknown key, NaN, not JSON, too large. */
export function decodeWorkerMessage(frame: Uint8Array): WorkerMessage {
  return decode(workerMessageSchema, frame);
}

/** For tests of the contract: accepts what the worker must accept, and nothing else. Throws ProtocolError. */
export function decodeControllerMessage(frame: Uint8Array): ControllerMessage {
  return decode(controllerMessageSchema, frame);
}

function decode<S extends z.ZodType>(schema: S, frame: Uint8Array): z.infer<S> {
  const excerpt = () => Buffer.from(frame.subarray(0, EXCERPT_CHARACTERS)).toString("utf8");
  if (frame.byteLength > MAX_MESSAGE_BYTES) {
    throw new ProtocolError(
      `message of ${frame.byteLength} bytes is over the limit of ${MAX_MESSAGE_BYTES}`,
      excerpt(),
    );
  }
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(frame));
  } catch (cause) {
    throw new ProtocolError(`message is not JSON in UTF-8: ${(cause as Error).message}`, excerpt());
  }
  if (holdsHalfACharacter(value))
    throw new ProtocolError("a text contains half of a surrogate pair", excerpt());
  const checked = schema.safeParse(value);
  if (!checked.success) {
    throw new ProtocolError(`message breaks the schema: ${z.prettifyError(checked.error)}`, excerpt());
  }
  return checked.data;
}

/**
 * Whether a text holds half of a surrogate pair: JSON's escapes can express it, but UTF-8 cannot, so it could not be sent back.
 */
function holdsHalfACharacter(value: unknown): boolean {
  let found = false;
  JSON.stringify(value, (key, inner: unknown) => {
    found ||= HALF_A_CHARACTER.test(key) || (typeof inner === "string" && HALF_A_CHARACTER.test(inner));
    return inner;
  });
  return found;
}
