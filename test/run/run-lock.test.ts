import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { execa } from "execa";
import { expect, test, vi } from "vitest";
import { systemClock } from "../../src/base/clock.js";
import { ownProcessName, type ProcessName } from "../../src/base/process-name.js";
import { findLockOwner, isRunning, lockRun } from "../../src/run/run-lock.js";
import { scratchFolder } from "../fixtures/run-folder.js";

const lockedBy = (folder: string, owner: Partial<ProcessName>, self: ProcessName) =>
  writeFileSync(
    join(folder, "run.lock"),
    JSON.stringify({ ...self, ...owner, since: "2026-01-01T00:00:00.000Z" }),
  );

/** The name of a process that has ended. */
async function ended(self: ProcessName): Promise<ProcessName> {
  const child = execa(process.execPath, ["-e", ""]);
  await child;
  return { ...self, pid: child.pid ?? 0 };
}

test("while one process writes into a folder, another is refused with its owner and the next step", async () => {
  const folder = scratchFolder();
  const self = await ownProcessName();
  const lock = await lockRun(folder, self, systemClock);
  expect(lock.takenOverFrom).toBeNull();
  expect(await isRunning(folder, self)).toBe(true);
  await expect(lockRun(folder, self, systemClock)).rejects.toMatchObject({
    code: "results-locked",
    exitCode: 7,
    message: expect.stringContaining(`process ${process.pid} on ${self.host}`),
    next: expect.stringContaining(join(folder, "run.lock")),
  });
  await lock.release();
  expect(readdirSync(folder)).toEqual([]);
  expect(await isRunning(folder, self)).toBe(false);
});

test("the lock of a process that is gone is taken over, and it is told whose it was", async () => {
  const folder = scratchFolder();
  const self = await ownProcessName();
  const gone = await ended(self);
  lockedBy(folder, gone, self);
  expect(await isRunning(folder, self)).toBe(false);
  const lock = await lockRun(folder, self, systemClock);
  expect(lock.takenOverFrom).toMatchObject({ pid: gone.pid });
  expect(await findLockOwner(folder, self)).toMatchObject({ pid: process.pid });
  await lock.release();
});

test("another process under the number of the one that is gone does not hold the lock", async () => {
  const folder = scratchFolder();
  const self = await ownProcessName();
  lockedBy(folder, { started_ticks: "1" }, self);
  expect((await lockRun(folder, self, systemClock)).takenOverFrom).toMatchObject({ pid: process.pid });
});

test("after a restart of the machine no lock of before holds", async () => {
  const folder = scratchFolder();
  const self = await ownProcessName();
  lockedBy(folder, { boot_id: "another" }, self);
  expect((await lockRun(folder, self, systemClock)).takenOverFrom).not.toBeNull();
});

test.each([
  ["another machine", { host: "elsewhere" }],
  ["another container", { pid_namespace: "pid:[1]" }],
])("a lock from %s holds: whether its process lives cannot be known here", async (_, owner) => {
  const folder = scratchFolder();
  const self = await ownProcessName();
  lockedBy(folder, { ...owner, pid: 4_000_000 }, self);
  expect(await isRunning(folder, self)).toBe(true);
  await expect(lockRun(folder, self, systemClock)).rejects.toMatchObject({ code: "results-locked" });
});

test("who took over a left lock gives way if another has the place after all", async () => {
  const folder = scratchFolder();
  const self = await ownProcessName();
  lockedBy(folder, await ended(self), self);
  const locking = lockRun(folder, self, systemClock);
  const hasOurs = () => readFileSync(join(folder, "run.lock"), "utf8").includes(`"pid":${self.pid},`);
  await vi.waitFor(() => expect(hasOurs()).toBe(true), { interval: 1 });
  // As if a process that had read the left lock moved ours aside, and a third one came before it was put back.
  rmSync(join(folder, "run.lock"));
  lockedBy(folder, { host: "elsewhere" }, self);
  await expect(locking).rejects.toMatchObject({ code: "results-locked" });
  expect((await findLockOwner(folder, self))?.host).toBe("elsewhere");
});

test("a lock that cannot be read is left alone", async () => {
  const folder = scratchFolder();
  const self = await ownProcessName();
  writeFileSync(join(folder, "run.lock"), "");
  await expect(lockRun(folder, self, systemClock)).rejects.toMatchObject({ code: "results-locked" });
  expect(existsSync(join(folder, "run.lock"))).toBe(true);
});

test("of many that want a left lock at once, one gets it", async () => {
  const folder = scratchFolder();
  const self = await ownProcessName();
  lockedBy(folder, await ended(self), self);
  // Each in its own process, as runs are.
  const script = `
    const { ownProcessName } = await import("${new URL("../../src/base/process-name.ts", import.meta.url)}");
    const { lockRun } = await import("${new URL("../../src/run/run-lock.ts", import.meta.url)}");
    const clock = { now: () => new Date(), monotonicSec: () => 0 };
    try { await lockRun(process.argv[1], await ownProcessName(), clock); console.log("mine"); process.stdin.resume(); }
    catch (error) { console.log(error.code); }
  `;
  const children = Array.from({ length: 4 }, () =>
    execa(process.execPath, ["--import", "tsx", "--input-type=module", "-e", script, folder], {
      reject: false,
    }),
  );
  const said = await Promise.all(
    children.map(
      (child) =>
        new Promise<string>((resolve) => child.stdout.once("data", (text) => resolve(`${text}`.trim()))),
    ),
  );
  for (const child of children) child.kill("SIGKILL");
  await Promise.all(children);
  expect(said.toSorted()).toEqual(["mine", "results-locked", "results-locked", "results-locked"]);
  expect(readFileSync(join(folder, "run.lock"), "utf8")).toContain('"pid"');
});
