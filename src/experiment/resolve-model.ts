import { homedir } from "node:os";
import { basename, dirname, join, resolve } from "node:path";
import { didYouMean } from "../base/did-you-mean.js";
import type { AdapterPlace, ModelSource } from "../protocol/configuration.js";
import type { ExperimentModel } from "./experiment.js";
import { BUILTIN_MODELS, HUB_ID, type ModelInput } from "./model-schema.js";
import { type Problems, pathName, shown } from "./problems.js";
import { type ReadFile, readText } from "./read-text.js";
import { type Path, parseYaml } from "./yaml-source.js";

/** Far larger than any model's config. */
const MAX_CONFIG_BYTES = 4 * 1024 * 1024;

const BUILTIN_TITLES: Readonly<Record<(typeof BUILTIN_MODELS)[number], string>> = {
  "smollm2-135m-instruct": "SmolLM2-135M-Instruct",
};
const BUILTIN_NOTE =
  "The embedded model was distributed in 4 bits (Q4_1): unquantized, it is a de-quantized copy, not the original.";
const GGUF_NOTE =
  "The weights are from a GGUF file: Transformers expanded the packed ones, so nothing here is a 16-bit original.";
const RANDOM_NOTE = "The weights are random: memory and speed are real, answers and quality mean nothing.";

/** Stands in for a model whose name was refused, so that the rest of the file is still checked. */
const UNKNOWN: ExperimentModel = { source: { source: "path", path: "/" }, name: "unknown", note: null };

/** A model that has files, and so may have an adapter. */
interface FilesModel extends ExperimentModel {
  readonly source: Extract<ModelSource, { source: "adapted" }>["base"];
}
type AdapterInput = Extract<ModelInput, { builtin: string }>["adapter"];

export interface ModelContext {
  readonly problems: Problems;
  /** Folder of the experiment file, where relative paths begin. */
  readonly folder: string;
  readonly readFile: ReadFile;
}

/** Resolves a checked model. Anything wrong with it is added to the problems. */
export async function resolveModel(
  input: ModelInput,
  path: Path,
  context: ModelContext,
): Promise<ExperimentModel> {
  if (typeof input === "string") return fromText(input, path, context);
  if ("builtin" in input) return withAdapter(builtin(input.builtin), input.adapter, context);
  if ("path" in input) return withAdapter(fromPath(input.path, context), input.adapter, context);
  if ("hub" in input) return withAdapter(fromHub(input.hub, input.revision ?? null), input.adapter, context);
  const { config, floats } = await readConfig(input.config, [...path, "config"], context);
  const tokenizer = input.tokenizer ?? "bytes";
  return {
    source: {
      source: "random",
      config,
      ...(floats.length === 0 ? {} : { floats }),
      seed: input.seed ?? 0,
      tokenizer: tokenizer === "bytes" ? tokenizer : absolute(tokenizer, context.folder),
    },
    name: `${findConfigName(input.config, config)} with random weights`,
    note: RANDOM_NOTE,
  };
}

/** Adds the adapter, if there is one, to a model; the model's name then contains both names. */
function withAdapter(base: FilesModel, adapter: AdapterInput, { folder }: ModelContext): ExperimentModel {
  if (adapter === undefined) return base;
  const given = typeof adapter === "string" ? { path: adapter } : adapter;
  const { merged = false } = given;
  const place: AdapterPlace =
    "hub" in given
      ? { source: "hub", repo: given.hub, revision: given.revision ?? null }
      : absolute(given.path, folder);
  const name = typeof place === "string" ? basename(place) : place.repo;
  return {
    source: { source: "adapted", base: base.source, adapter: place, merged },
    name: `${base.name} + ${name}${merged ? " merged" : ""}`,
    note: base.note,
  };
}

/** The name of the config's file, which says more than the model's family; the family if the file is just `config.json`. */
function findConfigName(input: string | Record<string, unknown>, config: Record<string, unknown>): string {
  const file = typeof input === "string" ? basename(input).replace(/\.json$/i, "") : "config";
  if (file !== "config") return file;
  return typeof config.model_type === "string" ? config.model_type : "a model";
}

function builtin(name: (typeof BUILTIN_MODELS)[number]): FilesModel {
  return { source: { source: "builtin", name, path: null }, name: BUILTIN_TITLES[name], note: BUILTIN_NOTE };
}

function fromHub(repo: string, revision: string | null): FilesModel {
  return { source: { source: "hub", repo, revision }, name: repo, note: null };
}

function fromPath(written: string, context: ModelContext): FilesModel {
  const path = absolute(written, context.folder);
  const note = path.toLowerCase().endsWith(".gguf") ? GGUF_NOTE : null;
  return { source: { source: "path", path }, name: findModelName(path), note };
}

/** The name of the folder. A snapshot in the hub's cache is named by its commit, so its name is taken from two levels above. */
function findModelName(path: string): string {
  const repository = /[/\\]models--([^/\\]+)[/\\]snapshots[/\\][^/\\]+$/.exec(path)?.[1];
  return repository === undefined ? basename(path) : repository.replaceAll("--", "/");
}

async function fromText(written: string, path: Path, context: ModelContext): Promise<ExperimentModel> {
  const known = BUILTIN_MODELS.find((name) => name === written.toLowerCase());
  if (known !== undefined) return builtin(known);
  if (/^(\.{1,2}(\/|$)|\/|~(\/|$))/.test(written)) return fromPath(written, context);
  const near = didYouMean(written, BUILTIN_MODELS) ?? findFamily(written);
  if (HUB_ID.test(written) && near === null) {
    if (await isFolder(absolute(written, context.folder), context.readFile))
      refuseAmbiguous(written, path, context);
    return fromHub(written, null);
  }
  const next =
    near === null
      ? "Write the embedded smollm2-135m-instruct, a hub id (org/name), or a path that begins with ./, ../, / or ~."
      : `Did you mean ${near}?`;
  const message = `${pathName(path)}: ${shown(written)} is not a known model.`;
  context.problems.add("experiment-model-unknown", path, message, next);
  return UNKNOWN;
}

/** The embedded model of the same family, if the name has no owner: on the hub nearly every id begins with one. Null if none. */
function findFamily(written: string): string | null {
  const family = (name: string) => name.toLowerCase().split("-")[0];
  return written.includes("/")
    ? null
    : (BUILTIN_MODELS.find((name) => family(name) === family(written)) ?? null);
}

function refuseAmbiguous(written: string, path: Path, context: ModelContext): void {
  const message = `${pathName(path)}: ${shown(written)} is both a model on the hub and a folder beside this file.`;
  const next = `Write ./${written} for the folder, or {hub: ${written}} for the hub's model.`;
  context.problems.add("experiment-model-unknown", path, message, next);
}

/** Whether the path is a folder: reading a folder fails with an error code of its own. */
async function isFolder(path: string, readFile: ReadFile): Promise<boolean> {
  try {
    await readFile(path, 1);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EISDIR";
  }
}

interface GivenConfig {
  readonly config: Extract<ExperimentModel["source"], { source: "random" }>["config"];
  readonly floats: string[][];
}

async function readConfig(
  input: string | Record<string, unknown>,
  path: Path,
  context: ModelContext,
): Promise<GivenConfig> {
  let config: unknown = input;
  let floats = typeof input === "string" ? [] : context.problems.yaml.listFloats(path);
  if (typeof input === "string") {
    const file = absolute(input, context.folder);
    const options = { readFile: context.readFile, maxBytes: MAX_CONFIG_BYTES, what: "model config" };
    try {
      const text = await readText(file, options);
      config = JSON.parse(text);
      floats = parseYaml(text, file).listFloats([]);
    } catch (cause) {
      const text = `${pathName(path)}: ${(cause as Error).message}`;
      context.problems.add("experiment-model-unknown", path, text, "Name a Transformers config.json.");
      return { config: {}, floats: [] };
    }
  }
  const isMapping = typeof config === "object" && config !== null && !Array.isArray(config);
  if (!isMapping || typeof (config as Record<string, unknown>).model_type !== "string") {
    const text = `${pathName(path)} has no model_type, so the kind of model is unknown.`;
    context.problems.add("experiment-model-unknown", path, text, "Add model_type: falcon (or another).");
    return { config: {}, floats: [] };
  }
  return { config: config as GivenConfig["config"], floats };
}

function absolute(written: string, folder: string): string {
  if (written === "~" || written.startsWith("~/")) return join(homedir(), written.slice(1));
  return resolve(folder, written);
}

/** Folder of an experiment file. */
export function findFolder(file: string): string {
  return dirname(resolve(file));
}
