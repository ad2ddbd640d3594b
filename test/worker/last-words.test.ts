import { expect, test } from "vitest";
import type { ErrorBody } from "../../src/protocol/messages.js";
import { nameByLastWords } from "../../src/worker/last-words.js";

function died(end: Partial<ErrorBody>): ErrorBody {
  const none = { phase: "measure", next: null, traceback: null, exit_code: null, signal: null } as const;
  return { code: "trial-process-died", message: "The trial process ended.", ...none, ...end };
}
const EXIT_1 = died({ exit_code: 1 });
const ABORT = died({ signal: "SIGABRT" });

test.each([
  ["Error out of memory at line 74 in file /src/csrc/ops.cu", EXIT_1, "out-of-memory-device"],
  [
    "Error an illegal memory access was encountered at line 90 in file /src/csrc/ops.cu",
    EXIT_1,
    "device-fault",
  ],
  [
    "Error no kernel image is available for execution on the device at line 90 in file x.cu",
    EXIT_1,
    "device-unsupported",
  ],
  ["  what():  CUDA error: device-side assert triggered", ABORT, "device-fault"],
  ["  what():  CUDA out of memory. Tried to allocate 2.00 GiB", ABORT, "out-of-memory-device"],
  ["  what():  std::bad_alloc", ABORT, "out-of-memory-host"],
  ["  what():  the graph is illegal", ABORT, "trial-process-died"],
  ["Error in a plugin: out of memory", EXIT_1, "trial-process-died"],
])("last words name what ended the process: %s", (words, body, code) => {
  expect(nameByLastWords(body, ["a warning", words, "and a traceback"]).code).toBe(code);
});

test("the record keeps the last words", () => {
  const { message } = nameByLastWords(EXIT_1, ["Error out of memory at line 74 in file ops.cu"]);
  expect(message).toBe("The trial process ended. It had said: Error out of memory at line 74 in file ops.cu");
});

test("what another signal ended, or another failure, is not named by what was said before", () => {
  const words = ["Error out of memory at line 74 in file ops.cu"];
  expect(nameByLastWords(died({ signal: "SIGKILL" }), words).code).toBe("trial-process-died");
  expect(nameByLastWords(died({ code: "device-lost", exit_code: 1 }), words).code).toBe("device-lost");
  expect(nameByLastWords(EXIT_1, []).code).toBe("trial-process-died");
});
