import { FalconError } from "../base/errors.js";
import { ExitCode } from "../base/exit-codes.js";
import { pluralize, safeLine } from "../base/text.js";
import { needsBuiltinModel } from "../plan/builtin-model.js";
import { type FetchEvent, fetchNeeds } from "../python-env/fetch-needs.js";
import { resolveHome } from "../python-env/home.js";
import { type FetchNeeds, findHubCache, isNothing, listNeeds, writeMark } from "../run/fetched.js";
import { chooseNextStep, type FailureCode } from "../worker/failures.js";
import { findExtras } from "./find-extras.js";
import type { CommandIo } from "./io.js";
import { judgeTaskCode } from "./judge-plan.js";
import { loadPlan } from "./load-plan.js";
import { prepareEnvironment } from "./prepare-environment.js";
import { printJson } from "./print-json.js";

export interface FetchArgs {
  readonly file: string;
  readonly set: readonly string[];
  readonly python?: string;
  readonly json: boolean;
}

/**
 * `falcon-exp fetch`: gets the environment, libraries, models and task data of an experiment now, so that its runs need no
 * network. Called again, it continues where it stopped, and updates a branch that has moved.
 */
export async function run(io: CommandIo, args: FetchArgs): Promise<number> {
  const { plan } = await loadPlan(io, args);
  judgeTaskCode(io, plan);
  const environment = await prepareEnvironment(io, {
    python: args.python || null,
    needsBuiltinModel: needsBuiltinModel(plan),
    extras: await findExtras(plan),
  });
  const needs = listNeeds(plan);
  const commits: Record<string, string> = {};
  const hub_cache = findHubCache(io.env);
  if (!isNothing(needs)) {
    const failure = await fetchNeeds(environment.python, needs, {
      env: { ...io.env, ...environment.env },
      pythonPath: environment.pythonPath,
      onEvent: (event) => {
        if (event.event === "fetched" && event.commit !== null) commits[event.what] = event.commit;
        tell(io, event);
      },
    });
    if (failure !== null) throw asError(failure, io);
    const fetched_at = io.clock.now().toISOString();
    await writeMark(resolveHome(io.env, process.platform), needs, { fetched_at, hub_cache, commits });
  }
  if (args.json) printJson(io, { schema_version: 1, needs, commits, hub_cache });
  else io.stdout.write(`${describe(needs)} ${io.program} run ${args.file} will not contact a hub.\n`);
  return ExitCode.ok;
}

function tell(io: CommandIo, event: FetchEvent): void {
  if (event.event === "progress") io.stderr.write(`${safeLine(event.what)}: ${safeLine(event.detail)}\n`);
  if (event.event === "fetched") {
    const commit = event.commit === null ? "" : `, commit ${event.commit.slice(0, 12)}`;
    io.stderr.write(`${safeLine(event.what)}: here${commit}\n`);
  }
}

function describe(needs: FetchNeeds): string {
  if (isNothing(needs)) return "The experiment needs nothing from a hub; its environment is ready.";
  const parts = [
    ...(needs.models.length === 0 ? [] : [pluralize(needs.models.length, "model")]),
    ...(needs.adapters.length === 0 ? [] : [pluralize(needs.adapters.length, "adapter")]),
    ...(needs.tasks === null ? [] : [`the data of ${needs.tasks.tasks.join(", ")}`]),
    ...(needs.code_of.length === 0 ? [] : [`the code of ${pluralize(needs.code_of.length, "folder")}`]),
  ];
  return `Fetched: ${parts.join(", ")}.`;
}

function asError({ code, message }: { readonly code: string; readonly message: string }, io: CommandIo) {
  return new FalconError({
    code,
    message,
    next: `${chooseNextStep(code as FailureCode)} Complete files are kept: run ${io.program} fetch again for the rest.`,
    exitCode: ExitCode.setupFailed,
  });
}
