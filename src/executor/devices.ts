/** Several devices of one machine: which part of a plan goes where, and when. Pure but for the starting itself. */

/** A card by its number, or a set of cores as taskset takes it. */
export interface Device {
  readonly kind: "cuda" | "cpu";
  readonly name: string;
}

const CARD = /^(cuda):(\d{1,3})$/;
/** `0-3+8`: ranges and single cores. */
const CORES = /^(cpu):(\d{1,4}(?:-\d{1,4})?(?:\+\d{1,4}(?:-\d{1,4})?)*)$/;

/** `cuda:0,cuda:1`, `cpu:0-3,cpu:4-7`, `cpu:0+2,cpu:1+3`. Null where it is none of these, mixed, or has a card or a core twice. */
export function parseDevices(text: string): readonly Device[] | null {
  const devices = text.split(",").map((one): Device | null => {
    const [, kind, name = ""] = CARD.exec(one.trim()) ?? CORES.exec(one.trim()) ?? [];
    return kind === undefined ? null : { kind: kind as Device["kind"], name: name.replaceAll("+", ",") };
  });
  const known = devices.filter((one) => one !== null);
  const isAlike = new Set(known.map(({ kind }) => kind)).size === 1;
  const units = known.flatMap(({ name }) => name.split(",").flatMap(listUnits));
  const isOnce = units.every((unit) => unit !== null) && new Set(units).size === units.length;
  return known.length === devices.length && isAlike && isOnce ? known : null;
}

/** The numbers of `3`, or of `0-3`; null among them where it ends before it begins. */
function listUnits(range: string): readonly (number | null)[] {
  const [first = 0, last = first] = range.split("-").map(Number);
  return last < first ? [null] : Array.from({ length: last - first + 1 }, (_, index) => first + index);
}

/** The first card that is none of those that CUDA_VISIBLE_DEVICES leaves to this process. */
export function findHidden(devices: readonly Device[], visible: string | undefined): Device | null {
  const cards = listVisible(visible);
  if (cards === null) return null;
  return devices.find(({ kind, name }) => kind === "cuda" && cards[Number(name)] === undefined) ?? null;
}

/** Null where all cards are visible. */
function listVisible(visible: string | undefined): readonly string[] | null {
  if (visible === undefined) return null;
  return visible.split(",").flatMap((card) => card.trim() || []);
}

/** How a command is started so that it has these devices and no others. `visible`: CUDA_VISIBLE_DEVICES of this process, whose cards are counted from 0. */
export function confine(
  devices: readonly Device[],
  command: readonly string[],
  visible: string | undefined,
): { readonly command: readonly string[]; readonly env: Readonly<Record<string, string>> } {
  const names = devices.map(({ name }) => name);
  if (devices[0]?.kind !== "cuda")
    return { command: ["taskset", "-c", names.join(","), ...command], env: {} };
  const cards = listVisible(visible);
  return {
    command,
    env: { CUDA_VISIBLE_DEVICES: names.map((name) => cards?.[Number(name)] ?? name).join(",") },
  };
}

/** What is to be measured together, as it is predicted. */
export interface Work {
  readonly slice: number;
  /** Devices that it takes at once. */
  readonly devices: number;
  /** Of any unit: what takes longest begins first, so that the devices end together. */
  readonly time: number;
}

/** How many devices of so much memory hold so much; at most all of them. */
export function countDevices(bytes: number | null, deviceBytes: number | null, all: number): number {
  // What a library keeps for itself, on each of them.
  const usable = 0.9 * (deviceBytes ?? 0);
  if (bytes === null || usable <= 0) return 1;
  return Math.min(all, Math.max(1, Math.ceil(bytes / usable)));
}

/**
 * Runs every piece of work on devices of its own, as many at once as there are devices. What takes several comes first: later it would
 * have to wait until as many are free. Never rejects for what `run` does.
 */
export async function spreadWork(
  works: readonly Work[],
  devices: readonly Device[],
  {
    run,
    isStopping,
  }: {
    readonly run: (work: Work, on: readonly Device[]) => Promise<void>;
    readonly isStopping: () => boolean;
  },
): Promise<void> {
  const waiting = works.toSorted((a, b) => b.devices - a.devices || b.time - a.time);
  const free = [...devices];
  const running = new Set<Promise<void>>();
  for (;;) {
    const next = isStopping() ? -1 : waiting.findIndex((work) => work.devices <= free.length);
    const [work] = next === -1 ? [] : waiting.splice(next, 1);
    if (work === undefined) {
      if (running.size === 0) return;
      await Promise.race(running);
      continue;
    }
    const on = free.splice(0, work.devices);
    const ended = run(work, on)
      .catch(() => {})
      .then(() => {
        free.push(...on);
        running.delete(ended);
      });
    running.add(ended);
  }
}
