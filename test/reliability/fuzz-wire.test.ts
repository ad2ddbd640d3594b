import { fileURLToPath } from "node:url";
import { execa } from "execa";
import fc from "fast-check";
import { expect, test } from "vitest";
import {
  decodeControllerMessage,
  decodeWorkerMessage,
  encodeControllerMessage,
  ProtocolError,
} from "../../src/protocol/codec.js";
import { anyFrame, goldenFrames, type Side } from "../fixtures/frames.js";
import { fuzzParameters } from "../fixtures/fuzz.js";
import { pythonFolder, testPython } from "../fixtures/python.js";

const judge = fileURLToPath(new URL("../fixtures/judge_frames.py", import.meta.url));
const DECODERS = { controller: decodeControllerMessage, worker: decodeWorkerMessage } as const;

/** Returns what this end makes of a frame; any error other than a ProtocolError is rethrown. */
function judgeFrame(
  side: Side,
  frame: Uint8Array,
): { readonly accepted: unknown } | { readonly refused: string } {
  try {
    return { accepted: DECODERS[side](frame) };
  } catch (error) {
    if (error instanceof ProtocolError) return { refused: error.message };
    throw error;
  }
}

/** As JSON, without null keys: a key that was added later may be missing from a message, which also means null. */
const asJson = (value: unknown): unknown =>
  JSON.parse(JSON.stringify(value, (_key, inner) => (isMapping(inner) ? withoutNulls(inner) : inner)));

function isMapping(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function withoutNulls(mapping: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  return Object.fromEntries(Object.entries(mapping).filter(([, value]) => value !== null));
}

test.each(["worker", "controller"] as const)(
  "whatever the bytes, a message of the %s is read as it stands or refused as a breach of the protocol",
  (side) => {
    fc.assert(
      fc.property(anyFrame(side), (frame) => {
        const verdict = judgeFrame(side, frame);
        if ("refused" in verdict) expect(verdict.refused).not.toBe("");
        else expect(asJson(verdict.accepted)).toEqual(asJson(JSON.parse(Buffer.from(frame).toString())));
      }),
      fuzzParameters(`messages of the ${side}`),
    );
  },
  600_000,
);

test("every valid message goes over the wire and comes out the same", () => {
  for (const frame of goldenFrames("controller")) {
    const message = decodeControllerMessage(frame);
    expect(decodeControllerMessage(Buffer.from(encodeControllerMessage(message)))).toEqual(message);
  }
});

test("both ends of the wire agree on every frame: what it says, or that it is refused", async () => {
  const parameters = fuzzParameters("frames judged by both ends");
  const cases = (["controller", "worker"] as const).flatMap((side) =>
    fc
      .sample(anyFrame(side), { ...parameters, numRuns: Math.ceil(parameters.numRuns / 2) })
      .map((frame) => ({ side, frame })),
  );
  const input = cases.map(({ side, frame }) =>
    JSON.stringify({ side, frame: Buffer.from(frame).toString("base64") }),
  );
  const { stdout } = await execa(testPython(), [judge], {
    input: `${input.join("\n")}\n`,
    env: { PYTHONPATH: pythonFolder },
    maxBuffer: 1e9,
  });
  const theirs = stdout.split("\n").map((line) => JSON.parse(line) as ReturnType<typeof judgeFrame>);
  expect(theirs).toHaveLength(cases.length);
  let accepted = 0;
  const disagreements = cases.flatMap(({ side, frame }, index) => {
    const ours = judgeFrame(side, frame);
    const python = theirs[index] as ReturnType<typeof judgeFrame>;
    if ("accepted" in ours) accepted += 1;
    const agree = "refused" in ours ? "refused" in python : sameContent(ours, python);
    return agree ? [] : [{ side, frame: Buffer.from(frame).toString(), ours, python }];
  });
  expect(disagreements.slice(0, 3)).toEqual([]);
  // A corpus of which every frame is refused would prove nothing.
  expect(accepted).toBeGreaterThan(cases.length / 20);
  expect(accepted).toBeLessThan((cases.length * 19) / 20);
}, 600_000);

function sameContent(ours: { readonly accepted: unknown }, python: ReturnType<typeof judgeFrame>): boolean {
  if (!("accepted" in python)) return false;
  try {
    expect(asJson(python.accepted)).toEqual(asJson(ours.accepted));
    return true;
  } catch {
    return false;
  }
}
