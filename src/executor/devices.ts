/** Spreads a plan over several devices of one machine: which part runs where, and when. Pure, except that it calls `run`. */

/** A card, named by its number, or a set of cores in taskset's notation. */
export interface Device {
  readonly kind: "cuda" | "cpu";
  readonly name: string;
}

const CARD = /^(cuda):(\d{1,3})$/;
/** `0-3+8`: ranges and single cores. */
const CORES = /^(cpu):(\d{1,4}(?:-\d{1,4})?(?:\+\d{1,4}(?:-\d{1,4})?)*)$/;

/**
 * Parses `cuda:0,cuda:1`, `cpu:0-3,cpu:4-7`, `cpu:0+2,cpu:1+3`. Null if the text is none of these, mixes cards with cores, or
 * names a card or a core twice.
 */
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

/** Lists the numbers in `3` or in `0-3`; just a null if the range ends before it begins. */
function listUnits(range: string): readonly (number | null)[] {
  const [first = 0, last = first] = range.split("-").map(Number);
  return last < first ? [null] : Array.from({ length: last - first + 1 }, (_, index) => first + index);
}

/** Returns the first card that CUDA_VISIBLE_DEVICES hides from this process; null if there is none. */
export function findHidden(devices: readonly Device[], visible: string | undefined): Device | null {
  const cards = listVisible(visible);
  if (cards === null) return null;
  return devices.find(({ kind, name }) => kind === "cuda" && cards[Number(name)] === undefined) ?? null;
}

/** Null if all cards are visible. */
function listVisible(visible: string | undefined): readonly string[] | null {
  if (visible === undefined) return null;
  return visible.split(",").flatMap((card) => card.trim() || []);
}

/**
 * Returns the command line and environment that start a command on these devices and no others. `visible`: CUDA_VISIBLE_DEVICES
 * of this process; cards are counted from 0 within it.
 */
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

/** A part of a plan that is measured together, and what it is predicted to need. */
export interface Work {
  readonly slice: number;
  /** The number of devices that it needs at the same time. */
  readonly devices: number;
  /** In any unit. The longest work starts first, so that the devices finish at about the same time. */
  readonly time: number;
}

/** Returns how many devices with `deviceBytes` each are needed to hold `bytes`: at most `all`, and 1 if either is unknown. */
export function countDevices(bytes: number | null, deviceBytes: number | null, all: number): number {
  // The rest is what libraries keep for themselves on each device.
  const usable = 0.9 * (deviceBytes ?? 0);
  if (bytes === null || usable <= 0) return 1;
  return Math.min(all, Math.max(1, Math.ceil(bytes / usable)));
}

/**
 * Runs each piece of work on its own devices, as many pieces at once as the devices allow. Work that needs several devices starts
 * first, because later it would have to wait until enough of them are free. Errors that `run` throws are ignored.
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
