import { resolve } from "node:path";
import { ExitCode } from "../base/exit-codes.js";
import { falconExpVersion } from "../base/program.js";
import { secretsRedactor } from "../base/secrets.js";
import { describeController } from "../executor/controller-info.js";
import { LocalExecutor } from "../executor/local.js";
import { STOP_LIMIT_SEC, watchSignals } from "../executor/signals.js";
import { StopSignal } from "../executor/stop.js";
import { withoutSecrets } from "../executor/without-secrets.js";
import { needsBuiltinModel } from "../plan/builtin-model.js";
import type { Plan } from "../plan/plan-types.js";
import { resolveHome } from "../python-env/home.js";
import { createLiveDisplay } from "../render/live/live.js";
import { isNothing, listNeeds, offlineVariables, readMark } from "../run/fetched.js";
import type { RunPaths } from "../run/paths.js";
import type { RunEndRecord } from "../run/record-types.js";
import type { Transport } from "../worker/transport.js";
import type { ChosenRun } from "./chosen-run.js";
import { findExtras } from "./find-extras.js";
import type { CommandIo } from "./io.js";
import { judgeTaskCode, refuseMissingFolders } from "./judge-plan.js";
import { prepareEnvironment } from "./prepare-environment.js";

export interface Measured {
  readonly status: RunEndRecord["status"];
  /** The signal that asked to stop; null when none came. */
  readonly signal: NodeJS.Signals | null;
  readonly paths: RunPaths;
}

/** Variables of a worker that asks no hub, because all that it needs was fetched before. */
function readOffline(io: CommandIo, plan: Plan): Record<string, string> {
  const needs = listNeeds(plan);
  if (isNothing(needs)) return {};
  const mark = readMark(resolveHome(io.env, process.platform), needs, io.env);
  if (mark === null) return {};
  io.stderr.write(`offline: what this experiment needs was fetched on ${mark.fetched_at.slice(0, 10)}\n`);
  return offlineVariables(io.env);
}

/** Environment → measurements → records, shown on stderr while it goes on. */
export async function measure(
  io: CommandIo,
  chosen: ChosenRun,
  { python, transport }: { readonly python: string | null; readonly transport: Transport },
): Promise<Measured> {
  const { plan, earlier, reuse } = chosen;
  if (plan.configurations.some(({ worker }) => worker.trust_remote_code)) {
    io.stderr.write("WARNING: trust_remote_code is on: Python code that comes with the model will run.\n");
  }
  judgeTaskCode(io, plan);
  refuseMissingFolders(plan);
  const environment = await prepareEnvironment(io, {
    python,
    needsBuiltinModel: needsBuiltinModel(plan),
    extras: await findExtras(plan),
  });
  const offline = readOffline(io, plan);
  const executor = new LocalExecutor({
    worker: { pythonPath: environment.python, env: { ...environment.env, ...offline }, transport },
    builtinModelPath: environment.builtinModelPath,
  });
  const { paths, records, log } = await chosen.open();
  const stop = new StopSignal();
  const signals = watchSignals(stop, {
    // Records are on the disk already, and the worker ends when this process does.
    onOverdue: () => {
      log.write("error", "stop-overdue", { limit_sec: STOP_LIMIT_SEC });
      io.stderr.write(
        `Not ended in time, leaving. Draw what was measured: ${io.program} report ${(chosen.run ?? paths).folder}\n`,
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
          runId: (chosen.run ?? paths).runId,
          falconExpVersion: falconExpVersion(),
          controller: await describeController(io.cwd),
          records,
          logprobsFolder: resolve(paths.logprobs),
          log,
          clock: io.clock,
          stop,
          onEvent: (event) => display.onEvent(event),
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
