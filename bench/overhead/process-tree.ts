/** Looks at a process and all its descendants, cheaply enough to do it often (Linux). */
import { readdirSync, readFileSync } from "node:fs";
import { readCpuSec } from "./disturbance.js";

/** Remembers what each process of the tree had used when it was last seen, so that ended processes count too. */
export class ProcessTree {
  private readonly usedSec = new Map<number, number>();
  /** Processes that were looked at once and do not belong to the tree. */
  private readonly foreign = new Set<number>();

  constructor(private readonly root: number) {}

  /** Finds new processes, and reads what all processes of the tree have used so far. */
  look(): void {
    const unknown = new Map<number, number>();
    for (const pid of runningPids()) {
      if (pid === this.root || this.usedSec.has(pid) || this.foreign.has(pid)) continue;
      const parent = parentOf(pid);
      if (parent !== null) unknown.set(pid, parent);
    }
    for (const pid of unknown.keys()) if (!this.isBelow(pid, unknown)) this.foreign.add(pid);
    for (const pid of [this.root, ...this.usedSec.keys(), ...unknown.keys()]) {
      const usedSec = this.foreign.has(pid) ? null : readCpuSec(pid);
      if (usedSec !== null) this.usedSec.set(pid, usedSec);
    }
  }

  /** The ids of all processes, including ended ones. */
  get pids(): readonly number[] {
    return [...this.usedSec.keys()];
  }

  /** CPU seconds of all processes together, as last seen. */
  get cpuSec(): number {
    return [...this.usedSec.values()].reduce((sum, one) => sum + one, 0);
  }

  private isBelow(pid: number, parents: ReadonlyMap<number, number>): boolean {
    for (let at: number | undefined = pid; at !== undefined; at = parents.get(at)) {
      if (at === this.root || this.usedSec.has(at)) return true;
    }
    return false;
  }
}

function runningPids(): readonly number[] {
  try {
    return readdirSync("/proc").flatMap((name) => (/^\d+$/.test(name) ? [Number(name)] : []));
  } catch {
    return [];
  }
}

function parentOf(pid: number): number | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    return Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]);
  } catch {
    return null;
  }
}
