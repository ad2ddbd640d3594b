/** Names a process so that it cannot be confused with another one that later gets the same process number. */
import { readFile, readlink } from "node:fs/promises";
import { hostname } from "node:os";
import { z } from "zod";

export const processNameSchema = z.strictObject({
  pid: z.int().min(1),
  host: z.string(),
  /** Identifies the machine's last boot; null if the system does not report it. */
  boot_id: z.string().nullable(),
  /** Process numbers of two namespaces (containers) cannot be compared; null if the system has no namespaces. */
  pid_namespace: z.string().nullable(),
  /** Start of the process in clock ticks since the machine's boot; null if the system does not report it. */
  started_ticks: z.string().nullable(),
});
export type ProcessName = z.infer<typeof processNameSchema>;

/** This process. */
export async function ownProcessName(): Promise<ProcessName> {
  return {
    pid: process.pid,
    host: hostname(),
    boot_id: await readFile("/proc/sys/kernel/random/boot_id", "utf8").then(
      (text) => text.trim(),
      () => null,
    ),
    pid_namespace: await readlink("/proc/self/ns/pid").catch(() => null),
    started_ticks: await startedTicks(process.pid),
  };
}

/** Whether process numbers mean the same for both: same machine, same boot, same namespace. */
export function isSameMachine(one: ProcessName, other: ProcessName): boolean {
  return (
    one.host === other.host && one.boot_id === other.boot_id && one.pid_namespace === other.pid_namespace
  );
}

/** Whether the named process of this machine is still running, rather than another one with the same number. */
export async function runsStill(named: ProcessName): Promise<boolean> {
  if (!exists(named.pid)) return false;
  const started = await startedTicks(named.pid);
  // Without /proc, it has to be enough that a process exists. With it, one that has just ended, or is a zombie, is recognized.
  if (named.started_ticks === null) return true;
  return started === named.started_ticks;
}

function exists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

/** Field 22 of /proc/PID/stat; null if there is no such file, or if the process is dead but nobody has waited for it yet. */
async function startedTicks(pid: number): Promise<string | null> {
  const text = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => null);
  // The command's name may contain spaces and brackets: the other fields begin after the last closing bracket.
  const [state, ...fields] = text?.slice(text.lastIndexOf(")") + 2).split(" ") ?? [];
  return state === "Z" ? null : (fields[18] ?? null);
}
