import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { afterEach, describe, expect, it } from "vitest";
import { ProcessTree } from "../../bench/overhead/process-tree.js";

const children: ChildProcess[] = [];

/** Starts the leader of a process group that is ended after the test, and waits for its first output. */
async function start(file: string, args: readonly string[]): Promise<ChildProcess> {
  const child = spawn(file, [...args], { stdio: ["pipe", "pipe", "ignore"], detached: true });
  children.push(child);
  await once(child.stdout, "data");
  return child;
}

/** Starts a shell that has a child process. */
const startParent = () => start("sh", ["-c", "sleep 600 & echo started; wait"]);

afterEach(async () => {
  for (const child of children.splice(0)) {
    if (child.exitCode !== null || child.pid === undefined) continue;
    const ended = once(child, "exit");
    process.kill(-child.pid, "SIGKILL");
    await ended;
  }
});

describe.runIf(process.platform === "linux")("ProcessTree", () => {
  it("holds a process and its children, and nothing of a neighbour", async () => {
    const parent = await startParent();
    const neighbour = await startParent();
    const tree = new ProcessTree(parent.pid ?? 0);
    tree.look();
    tree.look();
    expect(tree.pids).toContain(parent.pid);
    expect(tree.pids).toHaveLength(2);
    expect(tree.pids).not.toContain(neighbour.pid);
    expect(tree.pids).not.toContain(process.pid);
  });

  it("still counts what has ended", async () => {
    const program =
      "let s = 0; for (let i = 0; i < 3e7; i++) s += Math.sqrt(i); console.log(s); process.stdin.resume()";
    const child = await start(process.execPath, ["-e", program]);
    const tree = new ProcessTree(child.pid ?? 0);
    tree.look();
    const seenSec = tree.cpuSec;
    expect(seenSec).toBeGreaterThan(0);
    child.stdin?.end();
    await once(child, "exit");
    tree.look();
    expect(tree.cpuSec).toBe(seenSec);
  });
});
