import { once } from "node:events";
import { existsSync, mkdirSync, utimesSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { execa } from "execa";
import { expect, onTestFinished, test } from "vitest";
import { ownProcessName } from "../../src/base/process-name.js";
import { makeRuntimeDir, OWNER_FILE } from "../../src/worker/runtime-dir.js";
import { removeStaleRuntimeDirs } from "../../src/worker/stale-runtime-dirs.js";
import { scratchFolder } from "../fixtures/run-folder.js";

/** The PID of a process that has ended and was waited for. */
async function deadPid(): Promise<number> {
  const child = execa(process.execPath, ["-e", ""]);
  const { pid } = child;
  await child;
  if (pid === undefined) throw new Error("no process was started");
  return pid;
}

test("the folder of a controller that is gone is removed, that of a living one and what nobody owns stay", async () => {
  const base = scratchFolder();
  const left = join(base, "falcon-exp-aaaaaa");
  const nobodys = join(base, "falcon-exp-bbbbbb");
  const foreign = join(base, "something-else");
  for (const folder of [left, nobodys, foreign]) mkdirSync(folder);
  const owner = { ...(await ownProcessName()), pid: await deadPid() };
  for (const folder of [left, foreign]) writeFileSync(join(folder, OWNER_FILE), JSON.stringify(owner));
  const living = await makeRuntimeDir(base);
  onTestFinished(() => living.remove());
  await removeStaleRuntimeDirs(base);
  expect(existsSync(left)).toBe(false);
  for (const folder of [nobodys, foreign, living.path]) expect(existsSync(folder), folder).toBe(true);
});

test("an old folder that no controller lived to put its name into is removed, one that holds anything is not", async () => {
  const base = scratchFolder();
  const [empty, full] = [join(base, "falcon-exp-cccccc"), join(base, "falcon-exp-dddddd")];
  for (const folder of [empty, full]) mkdirSync(folder);
  writeFileSync(join(full, "something"), "");
  const twoHoursAgo = Date.now() / 1000 - 7200;
  for (const folder of [empty, full]) utimesSync(folder, twoHoursAgo, twoHoursAgo);
  await removeStaleRuntimeDirs(base);
  expect([existsSync(empty), existsSync(full)]).toEqual([false, true]);
});

test("the sockets of another run are never spoken to: its forkserver would take that for a request and end", async () => {
  const base = scratchFolder();
  const runtime = await makeRuntimeDir(base);
  onTestFinished(() => runtime.remove());
  let visitors = 0;
  const server = createServer((socket) => {
    visitors += 1;
    socket.once("data", () => server.emit("last"));
  });
  const path = join(runtime.path, "listener");
  await new Promise<void>((resolve) => server.listen(path, resolve));
  onTestFinished(() => void server.close());
  await removeStaleRuntimeDirs(base);
  // Connections are accepted in order, so any visitor that came before this one has been counted by then.
  const lastCame = once(server, "last");
  await execa(process.execPath, ["-e", "require('node:net').connect(process.argv[1]).end('last')", path]);
  await lastCame;
  expect(visitors).toBe(1);
});
