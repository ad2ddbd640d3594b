/** Compares an answer with the reference's: token by token if the records have each token's text, else word by word. */
import { diffArrays, diffWordsWithSpace } from "diff";
import { firstDifference } from "./divergence.js";

/** The part of a configuration's answer that is compared. */
export interface ComparedAnswer {
  readonly text: string;
  /** Null in old records, and if the pieces joined together are not the text. */
  readonly tokens: { readonly ids: readonly number[]; readonly pieces: readonly string[] } | null;
}

export interface DiffRun {
  /** `inserted`: only in this answer; `removed`: only in the reference's. */
  readonly kind: "same" | "inserted" | "removed";
  /** One text per token, or words with the spaces between them. */
  readonly pieces: readonly string[];
}

export interface AnswerDiff {
  readonly unit: "token" | "word";
  readonly runs: readonly DiffRun[];
}

/** Answers that differ by more edits than this are not aligned: everything after their common beginning counts as different. */
const MOST_EDITS = 1_500;

export function diffAnswers(own: ComparedAnswer, reference: ComparedAnswer): AnswerDiff {
  if (own.tokens === null || reference.tokens === null) {
    return { unit: "word", runs: readableRuns(wordRuns(own.text, reference.text)) };
  }
  return { unit: "token", runs: readableRuns(tokenRuns(own.tokens, reference.tokens)) };
}

type Tokens = NonNullable<ComparedAnswer["tokens"]>;

function tokenRuns(own: Tokens, reference: Tokens): DiffRun[] {
  const changes = diffArrays([...reference.ids], [...own.ids], { maxEditLength: MOST_EDITS });
  if (changes === undefined) {
    return beginningOnly(own.pieces, reference.pieces, (firstDifference(own.ids, reference.ids) ?? 1) - 1);
  }
  let mine = 0;
  let theirs = 0;
  return changes.map(({ value, added, removed }): DiffRun => {
    const count = value.length;
    if (removed) {
      theirs += count;
      return { kind: "removed", pieces: reference.pieces.slice(theirs - count, theirs) };
    }
    if (!added) theirs += count;
    mine += count;
    return { kind: added ? "inserted" : "same", pieces: own.pieces.slice(mine - count, mine) };
  });
}

function wordRuns(own: string, reference: string): DiffRun[] {
  const changes = diffWordsWithSpace(reference, own, { maxEditLength: MOST_EDITS });
  if (changes === undefined) {
    const words = (text: string) => text.match(/\s*\S+|\s+$/g) ?? [];
    const [mine, theirs] = [words(own), words(reference)];
    let same = 0;
    while (same < mine.length && mine[same] === theirs[same]) same++;
    return beginningOnly(mine, theirs, same);
  }
  return changes.map(({ value, added, removed }) => ({
    kind: added ? "inserted" : removed ? "removed" : "same",
    pieces: [value],
  }));
}

/**
 * Share of the longer answer. Answers that have less in common count as entirely different after their common beginning, because
 * the rest of what they share is words that any answer has.
 */
const LEAST_SHARED = 0.5;

/** What differs between two stretches of text that both answers have. */
interface Change {
  readonly removed: string[];
  readonly inserted: string[];
}

/** A change and the shared text after it. */
interface Step {
  readonly change: Change;
  readonly same: readonly string[];
}

/**
 * Rewrites the runs so that they are easy to read. Text that both answers share only by chance between two changes (no longer
 * than what differs on either side of it, as in diff-match-patch) becomes part of one change. Answers that share too little count
 * as different from the end of their common beginning on.
 */
function readableRuns(runs: readonly DiffRun[]): DiffRun[] {
  const isSame = ({ kind }: DiffRun) => kind === "same";
  const firstChange = runs.findIndex((run) => !isSame(run));
  if (firstChange === -1) return [...runs];
  const beginning = runs.slice(0, firstChange).flatMap(({ pieces }) => pieces);
  const steps: Step[] = [];
  for (const step of listSteps(runs.slice(firstChange))) {
    let merged = step;
    for (let last = steps.at(-1); last !== undefined && isByChance(last, merged); last = steps.at(-1)) {
      steps.pop();
      merged = { change: joinChanges(last.change, last.same, merged.change), same: merged.same };
    }
    steps.push(merged);
  }
  const shared = lengthOf(beginning) + steps.reduce((sum, { same }) => sum + lengthOf(same), 0);
  const changed = (kind: keyof Change) =>
    steps.reduce((sum, { change }) => sum + lengthOf(change[kind]), shared);
  const isShared = shared >= LEAST_SHARED * Math.max(changed("removed"), changed("inserted"));
  return toRuns(beginning, isShared ? steps : [joinSteps(steps)]);
}

function listSteps(runs: readonly DiffRun[]): Step[] {
  const steps: { change: Change; same: string[] }[] = [];
  for (const { kind, pieces } of runs) {
    const last = steps.at(-1);
    if (kind === "same") last?.same.push(...pieces);
    else {
      const open = last !== undefined && last.same.length === 0 ? last : null;
      const step = open ?? { change: { removed: [], inserted: [] }, same: [] };
      step.change[kind].push(...pieces);
      if (open === null) steps.push(step);
    }
  }
  return steps;
}

function isByChance({ change, same }: Step, next: Step): boolean {
  const most = Math.min(sizeOf(change), sizeOf(next.change));
  return lengthOf(same) <= most;
}

function joinChanges(first: Change, same: readonly string[], second: Change): Change {
  return {
    removed: [...first.removed, ...same, ...second.removed],
    inserted: [...first.inserted, ...same, ...second.inserted],
  };
}

function joinSteps(steps: readonly Step[]): Step {
  const change = steps.reduce<Change>(
    (all, step) => ({
      removed: [...all.removed, ...step.change.removed, ...step.same],
      inserted: [...all.inserted, ...step.change.inserted, ...step.same],
    }),
    { removed: [], inserted: [] },
  );
  return { change, same: [] };
}

function toRuns(beginning: readonly string[], steps: readonly Step[]): DiffRun[] {
  const runs: DiffRun[] = [
    { kind: "same", pieces: beginning },
    ...steps.flatMap(({ change, same }): DiffRun[] => [
      { kind: "removed", pieces: change.removed },
      { kind: "inserted", pieces: change.inserted },
      { kind: "same", pieces: same },
    ]),
  ];
  return runs.filter(({ pieces }) => pieces.length > 0);
}

function sizeOf({ removed, inserted }: Change): number {
  return Math.max(lengthOf(removed), lengthOf(inserted));
}

function lengthOf(pieces: readonly string[]): number {
  return pieces.reduce((sum, { length }) => sum + length, 0);
}

function beginningOnly(own: readonly string[], reference: readonly string[], same: number): DiffRun[] {
  const runs: DiffRun[] = [
    { kind: "same", pieces: own.slice(0, same) },
    { kind: "removed", pieces: reference.slice(same) },
    { kind: "inserted", pieces: own.slice(same) },
  ];
  return runs.filter(({ pieces }) => pieces.length > 0);
}
