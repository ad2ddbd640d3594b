import { ExitCode } from "../base/exit-codes.js";
import type { RunEndRecord } from "../run/record-types.js";

/** The exit code of a run, or of a task of one. */
export function chooseExitCode(status: RunEndRecord["status"], signal: NodeJS.Signals | null): number {
  switch (status) {
    case "completed":
      return ExitCode.ok;
    case "partly_failed":
      return ExitCode.partlyFailed;
    case "all_failed":
      return ExitCode.allFailed;
    case "interrupted":
      return signal === "SIGINT" ? ExitCode.interrupted : ExitCode.terminated;
  }
}
