import type { LibraryWarning, Progress, RequestHandlers } from "../worker/open-request.js";
import type { RunContext } from "./executor.js";

/** Turns progress into events. The rate is counted from the first token, so that prefill does not dilute it. */
export function progressHandlers(
  context: RunContext,
  onLibraryWarning: (libraryWarning: LibraryWarning) => void,
): RequestHandlers {
  let first: { readonly tokens: number; readonly atSec: number } | null = null;
  return {
    onLibraryWarning,
    onProgress: (progress: Progress) => {
      const now = context.clock.monotonicSec();
      const tokens = progress.outputTokens;
      let tokensPerSec: number | null = null;
      if (tokens !== null && tokens > 0) {
        if (first === null) first = { tokens, atSec: now };
        else if (now > first.atSec) tokensPerSec = (tokens - first.tokens) / (now - first.atSec);
      }
      const { phase, detail } = progress;
      context.onEvent({ type: "progress", phase, detail, outputTokens: tokens, tokensPerSec });
    },
  };
}
