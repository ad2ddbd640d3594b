import { randomBytes } from "node:crypto";
import { resolve } from "node:path";
import { ExitCode } from "../base/exit-codes.js";
import { falconExpVersion } from "../base/version.js";
import { describeController } from "../executor/controller-info.js";
import { LocalExecutor } from "../executor/local.js";
import { watchSignals } from "../executor/signals.js";
import { StopSignal } from "../executor/stop.js";
import { planText } from "../plan/plan-file.js";
import { answersText } from "../report/answers-terminal.js";
import { createLiveDisplay } from "../report/live.js";
import { writeReport } from "../report/write-report.js";
import type { RunEndRecord } from "../results/record-types.js";
import { openRunFolder } from "../results/run-folder.js";
import { makeRunId } from "../results/run-id.js";
import { DEFAULT_TRANSPORT, type Transport } from "../worker/transport.js";
import type { CommandIo } from "./io.js";
import { loadPlan, type PlannedExperiment } from "./load-plan.js";
import { type PreparedEnvironment, prepareEnvironment } from "./prepare-environment.js";
import { printJson } from "./print-json.js";
import { printResult } from "./print-result.js";

export interface RunArgs {
  readonly file: string;
  readonly set: readonly string[];
  /** A lab's interpreter; an empty FALCON_EXP_PYTHON counts as none. */
  readonly python?: string;
  readonly results: string;
  /** ipc where the platform has it. */
  readonly transport?: Transport;
  readonly json: boolean;
}

/** `falcon-exp run`: experiment → plan → environment → measurements → records → report. */
export async function run(io: CommandIo, args: RunArgs): Promise<number> {
  const planned = await loadPlan(io, args);
  if (planned.experiment.trust_remote_code) {
    io.stderr.write("WARNING: trust_remote_code is on: Python code that comes with the model will run.\n");
  }
  const needsBuiltinModel = planned.plan.configurations.some(
    ({ worker }) => worker.model.source === "builtin",
  );
  const environment = await prepareEnvironment(io, {
    python: args.python || null,
    needsBuiltinModel,
    extras: planned.plan.header.quality?.lm_eval ? ["lm-eval"] : [],
  });
  const { status, paths, signal } = await measure(io, args, planned, environment);
  const { summary, data, warnings } = await writeReport(paths);
  for (const warning of warnings) io.stderr.write(`warning: ${warning}\n`);
  if (args.json) printJson(io, summary);
  else {
    io.stdout.write(`${answersText(data, io)}\n\n`);
    await printResult(io, { data, summary, paths }, io.stdoutIsTty ? "auto" : "none");
  }
  return exitCodeOf(status, signal);
}

async function measure(
  io: CommandIo,
  args: RunArgs,
  { experiment, text, plan }: PlannedExperiment,
  environment: PreparedEnvironment,
) {
  const runId = makeRunId(io.clock, randomBytes(2).toString("hex"));
  const folder = await openRunFolder({
    resultsFolder: resolve(io.cwd, args.results),
    experiment: experiment.name,
    runId,
    experimentText: text,
    planText: planText(plan),
    clock: io.clock,
  });
  const stop = new StopSignal();
  const signals = watchSignals(stop);
  const display = createLiveDisplay({ io, plan });
  try {
    const executor = new LocalExecutor({
      worker: {
        pythonPath: environment.python,
        env: environment.env,
        transport: args.transport ?? DEFAULT_TRANSPORT,
      },
      builtinModelPath: environment.builtinModelPath,
    });
    folder.log.write("info", "run-started", { args, run_id: runId });
    const status = await executor.run(plan, {
      runId,
      falconExpVersion: falconExpVersion(),
      controller: await describeController(io.cwd),
      records: folder.records,
      logprobsFolder: resolve(folder.paths.logprobs),
      log: folder.log,
      clock: io.clock,
      stop,
      onEvent: (event) => display.onEvent(event),
    });
    return { status, paths: folder.paths, signal: signals.received() };
  } finally {
    display.close();
    signals.release();
    await folder.close();
  }
}

function exitCodeOf(status: RunEndRecord["status"], signal: NodeJS.Signals | null): number {
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
