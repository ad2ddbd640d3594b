import { resolve } from "node:path";
import { ExitCode } from "../base/exit-codes.js";
import { falconExpVersion } from "../base/program.js";
import { secretsRedactor } from "../base/secrets.js";
import { describeController } from "../executor/controller-info.js";
import { LocalExecutor } from "../executor/local.js";
import { STOP_LIMIT_SEC, watchSignals } from "../executor/signals.js";
import { StopSignal } from "../executor/stop.js";
import { withoutSecrets } from "../executor/without-secrets.js";
import { createLiveDisplay } from "../render/live/live.js";
import type { RunEventListener } from "../run/events.js";
import type { RunPaths } from "../run/paths.js";
import type { RunEndRecord } from "../run/record-types.js";
import type { ChosenRun } from "./chosen-run.js";
import type { CommandIo } from "./io.js";
import { judgeTaskCode } from "./judge-plan.js";
import { findPlace, type PlaceOptions } from "./measuring-place.js";

export interface Measured {
  readonly status: RunEndRecord["status"];
  /** The signal that asked the run to stop; null if there was none. */
  readonly signal: NodeJS.Signals | null;
  readonly paths: RunPaths;
}

/** Environment → measurements → records, with progress on stderr. */
export async function measure(
  io: CommandIo,
  chosen: ChosenRun,
  options: PlaceOptions,
  onEvent: RunEventListener = () => {},
): Promise<Measured> {
  const { plan, earlier, reuse } = chosen;
  if (plan.configurations.some(({ worker }) => worker.trust_remote_code)) {
    io.stderr.write("WARNING: trust_remote_code is on: Python code that comes with the model will run.\n");
  }
  judgeTaskCode(io, plan);
  const describing = describeController(io.cwd);
  const place = await findPlace(io, plan, options);
  const { paths, records, log } = await chosen.open();
  const { runId } = chosen.run ?? paths;
  const executor = new LocalExecutor(place.executorOptions(runId));
  const stop = new StopSignal();
  const signals = watchSignals(stop, {
    // The records are on the disk already, and the worker ends when this process does.
    onOverdue: () => {
      log.write("error", "stop-overdue", { limit_sec: STOP_LIMIT_SEC });
      io.stderr.write(
        `The run did not end in time; leaving. Draw what was measured: ${io.program} report ${(chosen.run ?? paths).folder}\n`,
      );
      process.exit(ExitCode.terminated);
    },
  });
  const display = createLiveDisplay({ io, plan });
  try {
    const status = await executor.run(
      plan,
      withoutSecrets(
        {
          runId,
          falconExpVersion: falconExpVersion(),
          controller: { ...(await describing), ...place.machine },
          records,
          logprobsFolder: place.logprobsFolder(runId) ?? resolve(paths.logprobs),
          log,
          clock: io.clock,
          stop,
          onEvent: (event) => {
            display.onEvent(event);
            onEvent(event);
          },
        },
        secretsRedactor(io.env),
      ),
      { ...(earlier === undefined ? {} : { earlier }), ...(reuse === undefined ? {} : { reuse }) },
    );
    return { status, signal: signals.received(), paths: chosen.run ?? paths };
  } finally {
    display.close();
    signals.release();
  }
}
