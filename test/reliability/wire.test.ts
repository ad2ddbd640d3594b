/** What a conversation with a worker leaves behind in the controller, however it ends. */
import { readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, onTestFinished, test, vi } from "vitest";
import { systemClock } from "../../src/base/clock.js";
import { silentLog } from "../../src/base/log.js";
import { Worker } from "../../src/worker/worker.js";
import { patientTimeouts, smallPlan } from "../fixtures/plans.js";
import { MARKER, processesWith } from "../fixtures/processes.js";
import { testPython } from "../fixtures/python.js";
import { scratchFolder } from "../fixtures/run-folder.js";

const scripted = fileURLToPath(new URL("../fixtures/workers/scripted.py", import.meta.url));
const configuration = smallPlan(["none"]).configurations[0];
if (configuration === undefined) throw new Error("the fixture plan is empty");

/** One that ends well, and the ways in which a worker can break off: before its hello, by dying, by breaking the protocol. */
const BEHAVIOURS = ["good", "exit-before-hello", "die-in-load", "garbage-in-load", "answer-to-nobody"];

/** Runs through the whole life of a worker; why it fails does not matter here. */
async function live(behaviour: string, marker: string): Promise<void> {
  const worker = await Worker.open({
    pythonPath: testPython(),
    env: { [MARKER]: marker },
    timeouts: patientTimeouts,
    clock: systemClock,
    log: silentLog,
    program: [scripted, "--behaviour", behaviour],
  }).catch(() => null);
  await worker?.ask("load", { configuration: configuration?.worker as never }).catch(() => {});
  await worker?.close();
}

const openDescriptors = () => readdirSync("/proc/self/fd").length;

test("workers that ended, well or badly, leave no file descriptor, no socket and no process", async () => {
  const temporary = scratchFolder();
  vi.stubEnv("TMPDIR", temporary);
  onTestFinished(() => void vi.unstubAllEnvs());
  const marker = `wire-${process.pid}`;
  // The first worker of each kind opens what all of them share: ZeroMQ's context, the event loop's pipes.
  for (const behaviour of BEHAVIOURS) await live(behaviour, marker);
  // ZeroMQ closes its descriptors later, in its own thread.
  let settled = openDescriptors();
  await vi.waitFor(
    () => {
      const before = settled;
      settled = openDescriptors();
      expect(settled).toBe(before);
    },
    { timeout: 30_000, interval: 200 },
  );
  for (let round = 0; round < 4; round++) {
    for (const behaviour of BEHAVIOURS) {
      await live(behaviour, marker);
      // Checked at once, not after a while: if the controller's process ended now, it must have left nothing.
      expect(readdirSync(temporary), behaviour).toEqual([]);
    }
  }
  await vi.waitFor(() => expect(openDescriptors()).toBeLessThanOrEqual(settled), { timeout: 30_000 });
  expect(processesWith(marker)).toEqual([]);
});
