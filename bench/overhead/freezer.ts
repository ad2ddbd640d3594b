/** Stops and continues a program and everything that it starts, in whatever process groups (Linux, cgroup v2). */
import { mkdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** A control group whose processes stand still, from the first one on, until `wake`. */
export class Freezer {
  private constructor(private readonly folder: string) {}

  /** Makes the group. Throws Error if control groups cannot be made. */
  static open(name: string): Freezer {
    const mounts = readFileSync("/proc/self/mounts", "utf8").split("\n");
    const root = mounts.map((line) => line.split(" ")).find(([, , type]) => type === "cgroup2")?.[1];
    if (root === undefined) throw new Error("sweeps are timed in slices, which needs cgroup v2 (Linux)");
    const folder = join(root, name);
    mkdirSync(folder);
    const freezer = new Freezer(folder);
    freezer.rest();
    return freezer;
  }

  /** A command that runs `file` inside the group. */
  wrap(file: string, args: readonly string[]): [file: string, args: string[]] {
    const enter = 'echo $$ > "$0" && exec "$@"';
    return ["/bin/sh", ["-c", enter, join(this.folder, "cgroup.procs"), file, ...args]];
  }

  rest(): void {
    this.write("cgroup.freeze", "1");
  }

  wake(): void {
    this.write("cgroup.freeze", "0");
  }

  /** Ends what is left inside and removes the group. */
  async close(): Promise<void> {
    this.wake();
    this.write("cgroup.kill", "1");
    while (readFileSync(join(this.folder, "cgroup.procs"), "utf8") !== "") {
      await new Promise((resolve) => setImmediate(resolve));
    }
    rmdirSync(this.folder);
  }

  private write(file: string, text: string): void {
    writeFileSync(join(this.folder, file), text);
  }
}
