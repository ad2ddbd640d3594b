/**
 * What `falcon-exp fetch` has fetched for runs that must not access the network: one file per set of models and tasks, in the
 * user's cache folder. A run that needs exactly such a set runs offline.
 */
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { writeWholeFile } from "../base/io.js";
import { sha256OfValue } from "../base/json.js";
import type { Plan, PlanConfiguration } from "../plan/plan-types.js";
import type { ModelSource } from "../protocol/configuration.js";
import { findCheckpoint } from "../quantization/registry.js";

/** What a plan's runs would request from a hub. */
export interface FetchNeeds {
  readonly models: readonly {
    readonly repo: string;
    readonly revision: string | null;
    readonly with_code: boolean;
  }[];
  readonly adapters: readonly { readonly repo: string; readonly revision: string | null }[];
  /** Folders of models whose Python code may come from other repositories. */
  readonly code_of: readonly string[];
  readonly tasks: { readonly tasks: readonly string[]; readonly include_path: string | null } | null;
}

const markSchema = z.object({
  fetched_at: z.iso.datetime(),
  /** The cache it was fetched into; with another cache, nothing is there. */
  hub_cache: z.string(),
  /** Repository → commit. */
  commits: z.record(z.string(), z.string()),
});
export type FetchMark = z.infer<typeof markSchema>;

export function listNeeds(plan: Plan): FetchNeeds {
  const sources = plan.configurations.flatMap((configuration) => listSources(configuration));
  const models = sources.flatMap(({ source, with_code }) =>
    source.source === "hub" ? [{ repo: source.repo, revision: source.revision, with_code }] : [],
  );
  const folders = sources.flatMap(({ source, with_code }) =>
    with_code && source.source === "path" ? [source.path] : [],
  );
  const adapters = plan.configurations.flatMap(({ worker, generation }) =>
    [worker.model, generation.assistant_model].flatMap((model) => {
      if (model?.source !== "adapted" || typeof model.adapter === "string") return [];
      const { repo, revision } = model.adapter;
      return [{ repo, revision }];
    }),
  );
  const tasks = plan.header.quality?.lm_eval ?? null;
  return {
    models: withoutRepeats(models),
    adapters: withoutRepeats(adapters),
    code_of: [...new Set(folders)],
    tasks: tasks === null ? null : { tasks: tasks.tasks, include_path: tasks.include_path },
  };
}

function withoutRepeats<T>(all: readonly T[]): readonly T[] {
  return [...new Map(all.map((one) => [sha256OfValue(one), one])).values()];
}

export function isNothing({ models, adapters, code_of, tasks }: FetchNeeds): boolean {
  return models.length + adapters.length + code_of.length === 0 && tasks === null;
}

/**
 * Lists the sources of a configuration's models: its own (an adapter's base), the checkpoint of its quantization, and the model
 * that drafts.
 */
function listSources({ worker, generation: { assistant_model } }: PlanConfiguration) {
  const { model, quantization, trust_remote_code: with_code } = worker;
  const withoutAdapter = (one: ModelSource) => (one.source === "adapted" ? one.base : one);
  const sources = [model, findCheckpoint(quantization), assistant_model].flatMap((one) =>
    one === null ? [] : [withoutAdapter(one)],
  );
  return sources.map((source) => ({ source, with_code }));
}

type Env = Readonly<Record<string, string | undefined>>;

/** Finds the hub cache in the same way as huggingface_hub. */
export function findHubCache(env: Env): string {
  const home = env.HF_HOME || join(env.XDG_CACHE_HOME || join(env.HOME ?? "", ".cache"), "huggingface");
  return env.HF_HUB_CACHE || env.HUGGINGFACE_HUB_CACHE || join(home, "hub");
}

export async function writeMark(home: string, needs: FetchNeeds, mark: FetchMark): Promise<void> {
  mkdirSync(join(home, "fetched"), { recursive: true });
  await writeWholeFile(markPath(home, needs), `${JSON.stringify(mark, null, 2)}\n`);
}

/** Null if it was not fetched, or was fetched into another cache. */
export function readMark(home: string, needs: FetchNeeds, env: Env): FetchMark | null {
  try {
    const mark = markSchema.parse(JSON.parse(readFileSync(markPath(home, needs), "utf8")));
    return mark.hub_cache === findHubCache(env) ? mark : null;
  } catch {
    return null;
  }
}

/** Environment variables for a worker that stays offline; variables that the user has set are left alone. */
export function offlineVariables(env: Env): Record<string, string> {
  const names = ["HF_HUB_OFFLINE", "HF_DATASETS_OFFLINE"];
  return Object.fromEntries(names.flatMap((name) => (env[name] === undefined ? [[name, "1"]] : [])));
}

function markPath(home: string, needs: FetchNeeds): string {
  return join(home, "fetched", `${sha256OfValue(needs).slice(0, 16)}.json`);
}
