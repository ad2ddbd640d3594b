/** Guesses what was meant by a name that does not exist. */
import { distance } from "fastest-levenshtein";

/** Longest word that is compared: nobody misspells a longer name, and the comparison is quadratic. */
const LONGEST_CHARACTERS = 64;

/** The candidate that was probably meant; null if none is near enough. About one slip in three characters is allowed. */
export function didYouMean(written: string, candidates: readonly string[]): string | null {
  if (written === "" || written.length > LONGEST_CHARACTERS) return null;
  const plain = written.toLowerCase();
  let best: { readonly candidate: string; readonly slips: number } | null = null;
  for (const candidate of candidates) {
    const slips = distance(plain, candidate.toLowerCase());
    if (best === null || slips < best.slips) best = { candidate, slips };
  }
  if (best === null) return null;
  const shorter = Math.min(plain.length, best.candidate.length);
  const allowed = Math.max(1, Math.ceil(shorter / 3));
  return best.slips <= allowed ? best.candidate : null;
}
