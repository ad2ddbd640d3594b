import { resolve } from "node:path";
import { sha256OfValue } from "../base/json.js";
import { findWrittenCheckpoint, type QuantizationInput, withCheckpoint } from "../quantization/registry.js";
import { type AxisName, SAMPLING_PARTS } from "./axis-schemas.js";
import { checkSchema } from "./check-schema.js";
import type {
  AutoRepeats,
  Experiment,
  IncludedCell,
  Match,
  MatrixAxis,
  Patch,
  Reference,
  Settings,
} from "./experiment.js";
import { type CellInput, type ExperimentFile, experimentFileSchema, type MatchInput } from "./file-schema.js";
import type { ModelInput } from "./model-schema.js";
import { applyOverrides } from "./overrides.js";
import { buildPatch, DEFAULT_SETTINGS, matchPattern } from "./patches.js";
import { Problems, pathName } from "./problems.js";
import { type ReadFile, readFileBounded, readText } from "./read-text.js";
import { findFolder, type ModelContext, resolveModel } from "./resolve-model.js";
import { resolvePrompts } from "./resolve-prompts.js";
import { resolveQuality } from "./resolve-quality.js";
import { type Path, parseYaml } from "./yaml-source.js";

const MAX_EXPERIMENT_BYTES = 8 * 1024 * 1024;

export interface LoadOptions {
  /** `--set key=value`, in order. */
  readonly overrides: readonly string[];
  readonly readFile?: ReadFile;
}

export interface LoadedExperiment {
  readonly experiment: Experiment;
  /** The file as it was read, for the run folder. */
  readonly text: string;
}

/**
 * Reads an experiment file and fills in every default. Throws FalconError (unreadable, not YAML) or FalconErrorList
 * with every problem that was found, each with its place.
 */
export async function loadExperiment(path: string, options: LoadOptions): Promise<LoadedExperiment> {
  const readFile = options.readFile ?? readFileBounded;
  const text = await readText(path, { readFile, maxBytes: MAX_EXPERIMENT_BYTES, what: "experiment file" });
  const yaml = parseYaml(text.replace(/^\uFEFF/, ""), path);
  applyOverrides(yaml, options.overrides);
  const problems = new Problems(yaml);
  const value = withoutExtensions(yaml.toValue());
  const file = checkSchema(experimentFileSchema, value, problems);
  problems.throwIfAny();
  if (file === null) throw new Error("the schema refused the file without saying why");
  const context = { problems, folder: findFolder(resolve(path)), readFile };
  const experiment = await new Resolver(context, value as Record<string, unknown>).experiment(file);
  problems.throwIfAny();
  return { experiment, text };
}

/** Removes the keys that begin with `x-`: they hold anchors for the rest of the file and mean nothing themselves. */
function withoutExtensions(value: unknown): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).filter(([key]) => !key.startsWith("x-")));
}

/** Resolves each part of a checked file. `raw` still has its keys in the order in which they were written. */
class Resolver {
  constructor(
    private readonly context: ModelContext,
    private readonly raw: Readonly<Record<string, unknown>>,
  ) {}

  async experiment(file: ExperimentFile): Promise<Experiment> {
    this.checkPairs(file);
    const model = await resolveModel(file.model, ["model"], this.context);
    const base: Settings = { ...DEFAULT_SETTINGS, model, ...(await this.basePatch(file)) };
    return {
      name: file.name,
      description: file.description ?? null,
      prompts: await resolvePrompts(file.prompts, this.context),
      base,
      matrix: await this.matrix(file),
      exclude: await Promise.all(
        (file.exclude ?? []).map((match, index) => this.match(match, ["exclude", index])),
      ),
      include: await Promise.all(
        (file.include ?? []).map((cell, index) => this.cell(cell, ["include", index])),
      ),
      ...resolveRepeats(file.repeats),
      ...resolveRounds(file.rounds),
      sentinel: await this.sentinel(file),
      profile: file.profile,
      skip_implied: file.skip_implied,
      retries: file.retries,
      disturbed_retries: file.disturbed_retries,
      smallest_difference: file.smallest_difference,
      price_per_hour: file.price_per_hour ?? null,
      quality: file.quality === undefined ? null : await resolveQuality(file.quality, this.context),
      warmup: file.warmup,
      reference: await this.named(file.reference, "reference"),
      trust_remote_code: file.trust_remote_code,
      workarounds: file.workarounds,
      slurm: file.executor?.slurm ?? null,
      timeouts: file.timeouts,
    };
  }

  private async basePatch(file: ExperimentFile): Promise<Patch> {
    let patch: Patch = {};
    for (const [name, value] of Object.entries(file.generation ?? {})) {
      if (value === undefined) continue;
      patch = { ...patch, ...(await this.patch(name as AxisName, value, ["generation", name])) };
    }
    return patch;
  }

  private async patch(name: AxisName, value: unknown, path: Path): Promise<Patch> {
    if (name === "model") return { model: await resolveModel(value as ModelInput, path, this.context) };
    if (name === "assistant_model") return { assistant_model: await this.assistant(value, path) };
    const patch = buildPatch(name, value);
    return name === "quantization" ? this.locateCheckpoint(patch, value as QuantizationInput, path) : patch;
  }

  private async assistant(value: unknown, path: Path): Promise<Settings["assistant_model"]> {
    return value === "none" ? null : (await resolveModel(value as ModelInput, path, this.context)).source;
  }

  /** Resolves the path of a checkpoint, which is relative to the experiment file, like the path of a model. */
  private async locateCheckpoint(patch: Patch, input: QuantizationInput, path: Path): Promise<Patch> {
    const written = findWrittenCheckpoint(input);
    if (written === null || patch.quantization === undefined) return patch;
    const own = [...path, "checkpoint"];
    const { source } = await resolveModel(written, own, this.context);
    if (source.source === "path" || source.source === "hub") {
      return { quantization: withCheckpoint(patch.quantization, source) };
    }
    const message = `${pathName(own)} is neither a folder nor a hub repository.`;
    const next = "Give the path of a quantized checkpoint, or its hub id (org/name).";
    this.context.problems.add("experiment-invalid-value", own, message, next);
    return patch;
  }

  private async matrix(file: ExperimentFile): Promise<readonly MatrixAxis[]> {
    const axes: MatrixAxis[] = [];
    for (const name of this.writtenKeys(["matrix"])) {
      const written = (file.matrix as Record<string, unknown>)[name];
      const values = Array.isArray(written) ? written : [written];
      const patches: Patch[] = [];
      const seen = new Set<string>();
      for (const [index, value] of values.entries()) {
        const path = Array.isArray(written) ? ["matrix", name, index] : ["matrix", name];
        const patch = await this.patch(name, value, path);
        const key = sha256OfValue(patch);
        if (seen.has(key)) {
          const message = `${pathName(path)} means the same as an earlier value of this axis.`;
          this.context.problems.add("experiment-duplicate-value", path, message, "Remove one of them.");
        }
        seen.add(key);
        patches.push(patch);
      }
      axes.push({ name, values: patches });
    }
    return axes;
  }

  private async cell(cell: CellInput, path: Path): Promise<IncludedCell> {
    const patches: IncludedCell["patches"][number][] = [];
    for (const name of this.writtenKeys(path)) {
      const value = (cell as Record<string, unknown>)[name];
      patches.push({ name, patch: await this.patch(name, value, [...path, name]) });
    }
    return { patches, place: this.context.problems.yaml.findPlace(path) };
  }

  private async match(match: MatchInput, path: Path): Promise<Match> {
    const axes: Match["axes"][number][] = [];
    for (const name of this.writtenKeys(path)) {
      const written = (match as Record<string, unknown>)[name];
      const anyOf: Readonly<Record<string, unknown>>[] = [];
      for (const value of Array.isArray(written) ? written : [written]) {
        const model =
          name === "model" ? await resolveModel(value as ModelInput, [...path, name], this.context) : null;
        anyOf.push(
          name === "assistant_model"
            ? { assistant_model: await this.assistant(value, [...path, name]) }
            : matchPattern(name, value, model),
        );
      }
      axes.push({ name, anyOf });
    }
    return { axes, place: this.context.problems.yaml.findPlace(path) };
  }

  private async named(written: ExperimentFile["reference"], key: string): Promise<Reference> {
    if (written === undefined) return { kind: "default" };
    if (typeof written !== "string") return { kind: "match", match: await this.match(written, [key]) };
    return { kind: "label", label: written, place: this.context.problems.yaml.findPlace([key]) };
  }

  /** Resolves the sentinel; `true` means the reference, whichever configuration that is. */
  private async sentinel({ sentinel, reference }: ExperimentFile): Promise<Reference | null> {
    if (sentinel === false) return null;
    return sentinel === true ? this.named(reference, "reference") : this.named(sentinel, "sentinel");
  }

  /** Keys of the mapping at `path` in the order of the file, because the matrix must not take on the order of the schema. */
  private writtenKeys(path: Path): readonly AxisName[] {
    let value: unknown = this.raw;
    for (const segment of path) value = (value as Record<PropertyKey, unknown> | undefined)?.[segment];
    return Object.keys(value ?? {}) as AxisName[];
  }

  /** Reports keys and values that contradict each other. */
  private checkPairs(file: ExperimentFile): void {
    const { problems } = this.context;
    if (typeof file.repeats === "object" && file.repeats.fewest > file.repeats.most) {
      const message = `repeats: fewest ${file.repeats.fewest} is greater than most ${file.repeats.most}.`;
      problems.add("experiment-invalid-value", ["repeats", "fewest"], message, "Lower it, or raise most.");
    }
    for (const parent of ["generation", "matrix"] as const) {
      const keys = Object.keys(file[parent] ?? {});
      if (keys.includes("max_new_tokens") && keys.includes("max_length")) {
        const message = `${parent} has both max_new_tokens and max_length.`;
        problems.add("experiment-invalid-value", [parent, "max_length"], message, "Keep one of them.");
      }
      const inside = SAMPLING_PARTS.find((key) => keys.includes(key));
      if (parent === "matrix" && keys.includes("sampling") && inside !== undefined) {
        const message = `matrix has both sampling and ${inside}, which is a part of it.`;
        const next = `Write ${inside} inside each value of sampling.`;
        problems.add("experiment-invalid-value", [parent, inside], message, next);
      }
    }
  }
}

function resolveRounds(written: ExperimentFile["rounds"]): Pick<Experiment, "rounds" | "order_seed"> {
  if (typeof written === "object") return { rounds: written.count, order_seed: written.seed };
  return { rounds: written ?? null, order_seed: 0 };
}

const AUTO_REPEATS: AutoRepeats = { width: 0.1, fewest: 3, most: 20 };

function resolveRepeats(written: ExperimentFile["repeats"]): Pick<Experiment, "repeats" | "auto_repeats"> {
  if (typeof written === "number") return { repeats: written, auto_repeats: null };
  const auto = written === "auto" ? AUTO_REPEATS : written;
  return { repeats: auto.most, auto_repeats: auto };
}
