/** An answer against the reference's, token by token where the records have each token's text, else word by word. */
import { diffArrays, diffWordsWithSpace } from "diff";
import { firstDifference } from "./divergence.js";

/** What one configuration said, as far as it is compared. */
export interface ComparedAnswer {
  readonly text: string;
  /** Null in old records, and where the pieces put together are not the text. */
  readonly tokens: { readonly ids: readonly number[]; readonly pieces: readonly string[] } | null;
}

export interface DiffRun {
  /** `inserted`: only in this answer; `removed`: only in the reference's. */
  readonly kind: "same" | "inserted" | "removed";
  /** A text a token, or a word with its space. */
  readonly pieces: readonly string[];
}

export interface AnswerDiff {
  readonly unit: "token" | "word";
  readonly runs: readonly DiffRun[];
}

/** Answers further apart than this are not aligned: all after their common beginning counts as different. */
const MOST_EDITS = 1_500;

export function diffAnswers(own: ComparedAnswer, reference: ComparedAnswer): AnswerDiff {
  if (own.tokens === null || reference.tokens === null) {
    return { unit: "word", runs: wordRuns(own.text, reference.text) };
  }
  return { unit: "token", runs: tokenRuns(own.tokens, reference.tokens) };
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

function beginningOnly(own: readonly string[], reference: readonly string[], same: number): DiffRun[] {
  const runs: DiffRun[] = [
    { kind: "same", pieces: own.slice(0, same) },
    { kind: "removed", pieces: reference.slice(same) },
    { kind: "inserted", pieces: own.slice(same) },
  ];
  return runs.filter(({ pieces }) => pieces.length > 0);
}
