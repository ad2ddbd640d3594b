/** A process, named so that it cannot be taken for another one that later got its number. */
import { readFile, readlink } from "node:fs/promises";
import { hostname } from "node:os";
import { z } from "zod";

export const processNameSchema = z.strictObject({
  pid: z.int().min(1),
  host: z.string(),
  /** Of the machine's last start; null where the system does not tell. */
  boot_id: z.string().nullable(),
  /** Process numbers of two namespaces (containers) say nothing about each other; null where there are none. */
  pid_namespace: z.string().nullable(),
  /** Start of the process in clock ticks since the machine's start; null where the system does not tell. */
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

/** Whether process numbers of both mean the same. */
export function isSameMachine(one: ProcessName, other: ProcessName): boolean {
  return (
    one.host === other.host && one.boot_id === other.boot_id && one.pid_namespace === other.pid_namespace
  );
}

/** Whether that process of this machine still runs, and not another one under its number. */
export async function runsStill(named: ProcessName): Promise<boolean> {
  if (!exists(named.pid)) return false;
  const started = await startedTicks(named.pid);
  // Without /proc a process that exists has to do; with it, one that is gone by now, or dead and not waited for, is told.
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

/** Field 22 of /proc/PID/stat; null where there is no such file, or the process is dead and nobody has waited for it. */
async function startedTicks(pid: number): Promise<string | null> {
  const text = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => null);
  // The command's name may hold spaces and brackets: the fields begin after the last one.
  const [state, ...fields] = text?.slice(text.lastIndexOf(")") + 2).split(" ") ?? [];
  return state === "Z" ? null : (fields[18] ?? null);
}
