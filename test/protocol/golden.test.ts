import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import {
  decodeControllerMessage,
  decodeWorkerMessage,
  encodeControllerMessage,
  ProtocolError,
} from "../../src/protocol/codec.js";
import { controllerMessageSchema, workerMessageSchema } from "../../src/protocol/messages.js";

// python/tests/test_wire.py reads the same files: both ends must agree on every one.
const golden = fileURLToPath(new URL("../golden/", import.meta.url));

function files(side: "controller" | "worker", kind: "valid" | "invalid"): readonly string[] {
  const folder = join(golden, side, kind);
  const found = readdirSync(folder).map((name) => join(folder, name));
  expect(found.length).toBeGreaterThan(8);
  return found;
}

const parsed = (path: string): unknown => {
  try {
    return JSON.parse(readFileSync(path, "utf8"));
  } catch {
    return undefined;
  }
};

test("every valid message of the controller is taken, and sent as it is", () => {
  for (const path of files("controller", "valid")) {
    const message = controllerMessageSchema.parse(parsed(path));
    // A key that was added to the protocol after this message was written is filled in with its default.
    expect(JSON.parse(encodeControllerMessage(message)), path).toMatchObject(parsed(path) as object);
  }
});

test("every invalid message of the controller is refused", () => {
  for (const path of files("controller", "invalid")) {
    expect(() => decodeControllerMessage(readFileSync(path)), path).toThrow(ProtocolError);
  }
});

test("every valid message of the worker is read as it stands", () => {
  for (const path of files("worker", "valid")) {
    // A key that was added to the protocol after this message was written is filled in with its default.
    expect(decodeWorkerMessage(readFileSync(path)), path).toMatchObject(parsed(path) as object);
  }
});

test("every invalid message of the worker is a protocol error", () => {
  for (const path of files("worker", "invalid")) {
    expect(() => decodeWorkerMessage(readFileSync(path)), path).toThrow(ProtocolError);
  }
});

test("no type of message is without a golden one", () => {
  const types = (side: "controller" | "worker") =>
    new Set(files(side, "valid").map((path) => (parsed(path) as { type: string }).type));
  const known = (schema: typeof controllerMessageSchema | typeof workerMessageSchema) =>
    new Set(schema.options.map((option) => option.shape.type.value));
  expect(types("controller")).toEqual(known(controllerMessageSchema));
  expect(types("worker")).toEqual(known(workerMessageSchema));
});
