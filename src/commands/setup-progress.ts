import cliTruncate from "cli-truncate";
import { createLogUpdate } from "log-update";
import { safeLine } from "../base/text.js";
import { formatSeconds } from "../base/units.js";
import { EXTRA_NAMES } from "../python-env/state-file.js";
import type { OnSetupProgress, SetupProgress } from "../python-env/types.js";
import type { CommandIo } from "./io.js";

/** The name of each step, for people. */
const TITLES: Readonly<Record<string, string>> = {
  venv: "virtual environment",
  torch: "torch (the largest download)",
  packages: "Transformers, bitsandbytes and what they need",
  "model-package": "the embedded model's package",
  ...EXTRA_NAMES,
  check: "importing every library",
  model: "the embedded model",
  wait: "waiting",
  verify: "checking what is installed",
  mend: "repairing",
};

export interface SetupDisplay {
  readonly onProgress: OnSetupProgress;
  /** Says how long the set-up took, if there was anything to do. */
  close(): void;
}

/** Shows a set-up on stderr: on a terminal a line that is rewritten, elsewhere one line per step. */
export function setupProgress(
  io: Pick<CommandIo, "stderr" | "stderrIsTty" | "columns" | "clock">,
): SetupDisplay {
  const startedSec = io.clock.monotonicSec();
  const update = io.stderrIsTty ? createLogUpdate(io.stderr as NodeJS.WriteStream) : null;
  let shownStep: string | null = null;
  return {
    onProgress: (progress) => {
      if (shownStep === null && progress.step !== "verify") {
        io.stderr.write("Setting up, once for all projects of this user:\n");
      }
      if (update !== null) {
        if (shownStep !== null && shownStep !== progress.step) update.done();
        update(cliTruncate(formatLine(progress), io.columns - 1));
      } else if (progress.step === "mend") {
        io.stderr.write(`${formatLine(progress)}\n`);
      } else if (shownStep !== progress.step) {
        io.stderr.write(`${formatLine({ ...progress, detail: "" })}\n`);
      }
      shownStep = progress.step;
    },
    close: () => {
      if (shownStep === null) return;
      update?.done();
      io.stderr.write(`Ready after ${formatSeconds(io.clock.monotonicSec() - startedSec)}.\n`);
    },
  };
}

function formatLine({ step, detail, index, count }: SetupProgress): string {
  const title = TITLES[step] ?? step;
  const position = count > 1 ? `[${index}/${count}] ` : "";
  return `  ${position}${title}${detail === "" ? "" : `: ${safeLine(detail)}`}`;
}
