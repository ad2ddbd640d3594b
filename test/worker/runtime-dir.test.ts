import { statSync } from "node:fs";
import { basename, join } from "node:path";
import { execa } from "execa";
import { expect, onTestFinished, test } from "vitest";
import { openChannel } from "../../src/worker/channel.js";
import { makeRuntimeDir } from "../../src/worker/runtime-dir.js";

/** `nobody` on Linux; any user other than the one who runs the tests will do. */
const STRANGER = 65_534;

/** Connects to a Unix socket and prints how that went. */
const KNOCK = `
const socket = require("node:net").connect(process.argv[1]);
socket.on("connect", () => { console.log("connected"); process.exit(0); });
socket.on("error", ({ code }) => { console.log(code); process.exit(0); });
`;

async function boundChannel() {
  const runtime = await makeRuntimeDir();
  onTestFinished(() => runtime.remove());
  const channel = await openChannel(
    { work: runtime.workEndpoint, control: runtime.controlEndpoint },
    { onMessage: () => {}, onProtocolError: () => {} },
  );
  onTestFinished(() => channel.close());
  return runtime;
}

test("the sockets' folder is its owner's alone, whatever the umask", async () => {
  const before = process.umask(0);
  onTestFinished(() => void process.umask(before));
  const runtime = await boundChannel();
  expect(statSync(runtime.path).mode & 0o777).toBe(0o700);
  expect(statSync(join(runtime.path, "work")).isSocket()).toBe(true);
});

test("no two folders have the same name, and nobody can guess the next", async () => {
  const folders = await Promise.all(Array.from({ length: 20 }, () => makeRuntimeDir()));
  onTestFinished(async () => void (await Promise.all(folders.map((folder) => folder.remove()))));
  const suffixes = folders.map(({ path }) => basename(path).replace("falcon-exp-", ""));
  expect(new Set(suffixes).size).toBe(20);
  for (const suffix of suffixes) expect(suffix).toMatch(/^[A-Za-z0-9]{6}$/);
  // Names that were counted or taken from the clock would all begin with the same character.
  expect(new Set(suffixes.map((suffix) => suffix[0])).size).toBeGreaterThan(1);
});

// Only root can become another user. In CI, not being root is a failure, not a skip.
const cannotBecomeAnother = process.getuid?.() !== 0 && (process.env.CI ?? "") === "";
test("a process of another user cannot reach the worker's sockets", async ({ skip }) => {
  skip(cannotBecomeAnother, "only root can become another user");
  expect(process.getuid?.(), "run the tests as root to prove this").toBe(0);
  const runtime = await boundChannel();
  for (const lane of ["work", "control"]) {
    const knock = (who: { uid?: number; gid?: number }) =>
      execa(process.execPath, ["-e", KNOCK, join(runtime.path, lane)], { ...who, cwd: "/" });
    expect((await knock({})).stdout).toBe("connected");
    expect((await knock({ uid: STRANGER, gid: STRANGER })).stdout).toBe("EACCES");
  }
});
