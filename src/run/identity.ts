/** What a measurement depends on: two measurements with the same identity may stand for each other. */
import { sha256OfValue } from "../base/json.js";
import type { Fingerprints } from "../protocol/measurements.js";
import {
  type AnyEnvironment,
  INSTRUCTION_SETS,
  readTraits,
  TRAIT_PARTS,
  type Trait,
  type TraitPart,
  type Traits,
} from "./traits.js";

/**
 * Computes a configuration's identity from what the plan knows about it, what its model's files turned out to contain, the
 * software that really ran it, and the kind of machine. `fingerprints` is null in records made before there were any.
 */
export function computeIdentity(
  configuration: { readonly inputs_sha256: string },
  environment: AnyEnvironment,
  fingerprints: Fingerprints | null,
): string {
  const traits = [...readTraits(environment)].map(([name, { value }]) => [name, value ?? null]);
  return sha256OfValue({
    inputs_sha256: configuration.inputs_sha256,
    ...(fingerprints === null ? {} : { fingerprints }),
    traits: Object.fromEntries(traits),
  });
}

/** One trait that is not the same on all machines. */
export interface TraitDifference {
  readonly what: string;
  /** `surroundings`: reported, but not part of the identity. */
  readonly part: TraitPart | "surroundings";
  /** One per machine; null if the machine does not have it, or did not record it. */
  readonly values: readonly (string | null)[];
  /** False if all machines that recorded it have the same value: the others may have it too. */
  readonly isKnown: boolean;
}

/** Finds the differences between machines and their software. Null stands for a machine about which nothing is known. */
export function findDifferences(all: readonly (Traits | null)[]): readonly TraitDifference[] {
  return listNames(all).flatMap(([what, part]) =>
    compareValues(
      what,
      part,
      all.map((traits) => {
        if (traits === null) return undefined;
        const trait = traits.get(what);
        // A package that only some have is known to be missing on the others.
        return trait === undefined ? null : trait.value;
      }),
    ),
  );
}

/** Returns nothing if all values are the same; undefined stands for a value that was not recorded. */
export function compareValues(
  what: string,
  part: TraitDifference["part"],
  values: readonly Trait["value"][],
): readonly TraitDifference[] {
  const recorded = new Set(values.filter((value) => value !== undefined));
  const isKnown = recorded.size > 1;
  const isUnknown = values.includes(undefined) && recorded.size === 1 && !recorded.has(null);
  if (!isKnown && !isUnknown) return [];
  return [{ what, part, values: values.map((value) => value ?? null), isKnown }];
}

/** Names of all traits, in the order in which they are reported: by part, with libraries by name. */
function listNames(all: readonly (Traits | null)[]): readonly (readonly [what: string, part: TraitPart])[] {
  const parts = new Map<string, TraitPart>();
  for (const traits of all) for (const [what, { part }] of traits ?? []) parts.set(what, part);
  return TRAIT_PARTS.flatMap((part) => {
    const own = [...parts].filter(([, its]) => its === part);
    return part === "library" ? own.sort(([a], [b]) => (a < b ? -1 : 1)) : own;
  });
}

export function findMachineDifferences(before: Traits, now: Traits): readonly TraitDifference[] {
  return pickMachineDifferences(findDifferences([before, now]));
}

/**
 * Picks the differences between machines, as opposed to differences in what was installed on one of them. Different kernels
 * count only if no library has changed, because then the machine caused the choice, else the library did.
 */
export function pickMachineDifferences(all: readonly TraitDifference[]): readonly TraitDifference[] {
  const known = all.filter(({ isKnown }) => isKnown);
  const hasOtherLibraries = known.some(({ part }) => part === "system" || part === "library");
  return known.filter(({ part }) => part === "machine" || (part === "kernels" && !hasOtherLibraries));
}

/**
 * Returns the traits of runs in order of time. What a run did not record is filled in from earlier runs on the same machine;
 * otherwise a run that recorded less would make two machines look like one. Returns the same object while nothing changes, and
 * null for a run about which nothing is known.
 */
export function carryTraits(environments: readonly (AnyEnvironment | null)[]): readonly (Traits | null)[] {
  let last: Traits | null = null;
  return environments.map((environment) => {
    if (environment === null) return null;
    const own = readTraits(environment);
    const filled = last === null ? own : fillUnrecorded(own, last);
    if (last === null || filled === last) last = filled;
    else last = findMachineDifferences(last, own).length > 0 ? own : filled;
    return last;
  });
}

function fillUnrecorded(own: Traits, before: Traits): Traits {
  const filled = new Map(
    [...own].map(([what, trait]) => [what, trait.value === undefined ? (before.get(what) ?? trait) : trait]),
  );
  const isSame =
    filled.size === before.size &&
    [...filled].every(([what, { value }]) => before.get(what)?.value === value && before.has(what));
  return isSame ? before : filled;
}

/** What changed in the identity, in words. */
export interface EnvironmentChanges {
  /** `bitsandbytes 0.49.0 → 0.50.2`; empty if nothing is known to have changed. */
  readonly known: readonly string[];
  /** What only one of the two recorded, in a sentence; null if there is nothing like that. */
  readonly unrecorded: string | null;
}

export function environmentChanges(before: AnyEnvironment, now: AnyEnvironment): EnvironmentChanges {
  const all = findDifferences([readTraits(before), readTraits(now)]);
  const unrecorded = all.filter(({ isKnown }) => !isKnown);
  return {
    known: all.flatMap(({ what, values: [old = null, today = null], isKnown }) =>
      isKnown ? [describeChange(what, old, today)] : [],
    ),
    unrecorded: describeUnrecorded(
      unrecorded.map(({ what, values: [old] }) => ({ what, isOld: old === null })),
    ),
  };
}

/** `CPU, GPUs: not recorded before`; null if there are no traits. */
export function describeUnrecorded(
  traits: readonly { readonly what: string; readonly isOld: boolean }[],
): string | null {
  const names = (isOld: boolean) => traits.filter((one) => one.isOld === isOld).map(({ what }) => what);
  const [old, now] = [names(true), names(false)];
  const parts = [
    ...(old.length === 0 ? [] : [`${old.join(", ")}: not recorded before`]),
    ...(now.length === 0 ? [] : [`${now.join(", ")}: no longer recorded`]),
  ];
  return parts.length === 0 ? null : parts.join("; ");
}

/** `torch 2.12.0 → 2.13.0`, `CPU instruction sets: avx512_bf16 missing`. */
export function describeChange(what: string, before: string | null, now: string | null): string {
  if (what === INSTRUCTION_SETS && before !== null && now !== null) {
    return `${what}: ${describeSetChange(before, now)}`;
  }
  return `${what} ${before ?? "none"} → ${now ?? "none"}`;
}

/**
 * `avx512_bf16 missing, amx_int8 added`: what `now` lacks and what it adds, compared with `before`. Both are lists joined by
 * commas.
 */
export function describeSetChange(before: string, now: string): string {
  const [old = [], today = []] = [before, now].map((text) =>
    text.split(", ").filter((one) => one !== "none"),
  );
  const missing = old.filter((one) => !today.includes(one));
  const added = today.filter((one) => !old.includes(one));
  const parts = [
    ...(missing.length === 0 ? [] : [`${missing.join(", ")} missing`]),
    ...(added.length === 0 ? [] : [`${added.join(", ")} added`]),
  ];
  return parts.join("; ") || "the same";
}
