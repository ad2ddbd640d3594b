import { setFlagsFromString } from "node:v8";
import { expect, test, vi } from "vitest";
import { silentLog } from "../../src/base/log.js";
import { spawnWorker } from "../../src/worker/worker-process.js";

vi.mock("node:v8", async (original) => ({
  ...(await original<typeof import("node:v8")>()),
  setFlagsFromString: vi.fn(),
}));

test("whoever starts a worker does not collect garbage because it is idle, which would disturb trials", async () => {
  const command = { pythonPath: process.execPath, args: ["-e", "0"], env: {}, cwd: process.cwd() };
  const worker = spawnWorker(command, silentLog);
  expect(await worker.exited).toEqual({ exitCode: 0, signal: null });
  expect(setFlagsFromString).toHaveBeenCalledWith("--no-incremental-marking");
});
