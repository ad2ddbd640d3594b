import { resolve } from "node:path";
import { computeMargin, type FitVerdict, judgeFit } from "../analysis/estimate-margin.js";
import { FalconError } from "../base/errors.js";
import { ExitCode } from "../base/exit-codes.js";
import { wrapText } from "../base/text.js";
import { formatBytes } from "../base/units.js";
import { resolveModelArgument } from "../experiment/model-argument.js";
import { isBuiltin, withBuiltinPath } from "../plan/builtin-model.js";
import { estimate, longestContext } from "../plan/estimate.js";
import type { Dtype, ModelSource } from "../protocol/configuration.js";
import type { ModelShape } from "../protocol/measurements.js";
import { describeModels, type ModelDescription } from "../python-env/describe-models.js";
import {
  canEstimate,
  describeQuantization,
  listFittedQuantizations,
  listMethodExtras,
  type Quantization,
  quantizationInputSchema,
  resolveQuantization,
} from "../quantization/registry.js";
import { fitTable, nameColumn } from "../render/terminal/fit-table.js";
import { describeExpectedShare, describeStoredQuantization } from "../render/words/quantized-share.js";
import { describeKept } from "../render/words/remarks.js";
import type { CommandIo } from "./io.js";
import { memoryArgument } from "./memory-argument.js";
import { marginSentences, readPastPeaks } from "./past-peaks.js";
import { type PreparedEnvironment, prepareEnvironment } from "./prepare-environment.js";
import { printJson } from "./print-json.js";

export interface FitArgs {
  readonly model: string;
  /** May be left out with `measure` and `cpu`: then most of what is free on this machine. */
  readonly memory?: string;
  readonly measure?: "context" | "batch";
  /** All of them if empty. */
  readonly quantization: readonly string[];
  readonly context: number;
  readonly batch: number;
  readonly dtype: Dtype;
  readonly cpu: boolean;
  readonly results: string;
  readonly python?: string;
  readonly json: boolean;
}

/** `falcon-exp fit`: shows which quantizations of a model fit in a given memory, and the longest context of each. */
export async function run(io: CommandIo, args: FitArgs): Promise<number> {
  const memoryBytes = findMemory(args);
  const model = await resolveModelArgument(args.model, resolve(io.cwd));
  const device = args.cpu ? "cpu" : "cuda";
  const past = await readPastPeaks(args.results, io.cwd);
  const quantizations = listQuantizations(args.quantization);
  const environment = await prepareEnvironment(io, {
    python: args.python || null,
    needsBuiltinModel: isBuiltin(model),
    extras: args.measure === undefined ? [] : listMethodExtras(quantizations),
  });
  const asLoaded = { quantizations, dtype: args.dtype, device };
  const described = await describeLoads(io, model, environment, asLoaded);
  const rows = quantizations.map((quantization, index) => {
    const { shape, kept } = described[index] as Described;
    const own = { shape, quantization, dtype: args.dtype, batch: args.batch, device } as const;
    const at = estimate({ ...own, tokens: args.context });
    const margin = computeMargin(past, quantization.method, device);
    const verdict = judgeFit(at.total_bytes, memoryBytes, margin);
    return {
      quantization: describeQuantization(quantization),
      ...at,
      fits: verdict !== "no",
      verdict,
      spare_bytes: memoryBytes - at.total_bytes,
      margin,
      longest_context_tokens: longestContext(own, memoryBytes),
      share_remark: describeExpectedShare(shape, quantization.method, args.dtype),
      kept_remarks: describeKept(kept, "will stay"),
    };
  });
  const { shape } = described[0] as Described;
  const sizes = { memory_bytes: memoryBytes, context_tokens: args.context, batch_size: args.batch };
  if (args.measure !== undefined) {
    const { measureFits, renderFits, hasFit } = await import("./fit-measure.js");
    const asked = {
      model: withBuiltinPath(model, environment.builtinModelPath),
      search: args.measure,
      context: args.context,
      batch: args.batch,
      dtype: args.dtype,
      device: args.cpu ? "cpu" : "cuda:0",
      memoryBytes,
    };
    const candidates = quantizations.map((quantization, index) => ({
      quantization,
      estimated:
        args.measure === "context"
          ? (rows[index]?.longest_context_tokens ?? null)
          : estimateBatch(described[index] as Described, quantization, args, device, memoryBytes),
      contextTokens: shape.context_tokens,
    }));
    const fits = await measureFits(io, environment, asked, candidates);
    if (args.json) {
      const { search, dtype, device: on } = asked;
      printJson(io, { model: asked.model, search, ...sizes, dtype, device: on, fits });
    } else {
      io.stdout.write(`${args.model}, in ${formatBytes(memoryBytes)} (${device}), by real loads\n`);
      io.stdout.write(`${renderFits(fits, asked, io)}\n`);
    }
    return hasFit(fits) ? ExitCode.ok : ExitCode.nothingFits;
  }
  if (args.json) {
    printJson(io, { model, ...sizes, device, shape, rows });
  } else {
    const parameters = `${(shape.parameters / 1e9).toFixed(2)} billion parameters`;
    io.stdout.write(`${args.model}: ${parameters}, in ${formatBytes(memoryBytes)} (${device})\n`);
    type Row = (typeof rows)[number];
    const { text } = fitTable<Row>(
      rows,
      [
        nameColumn("quantization", (row) => row.quantization),
        { header: "weights", cell: (row) => formatBytes(row.weights_bytes), dropRank: 0 },
        {
          header: `total at ${args.batch === 1 ? "" : `${args.batch} × `}${args.context} tokens`,
          cell: (row) => formatBytes(row.total_bytes),
          dropRank: 0,
        },
        { header: "fits", cell: describeFit, dropRank: 0 },
        {
          header: "longest context",
          cell: (row) => row.longest_context_tokens?.toLocaleString("en") ?? "–",
          dropRank: 0,
        },
      ],
      io,
    );
    io.stdout.write(`${text}\n`);
    const remarks = [
      ...rows.flatMap(({ quantization, share_remark, kept_remarks }) =>
        [share_remark ?? [], kept_remarks].flat().map((remark) => `${quantization}: ${remark}`),
      ),
      describeStoredQuantization(shape) ?? [],
      ...marginSentences(rows.map(({ quantization: name, margin }) => ({ name, margin }))),
    ].flat();
    for (const line of remarks.flatMap((remark) => wrapText(remark, io.columns))) {
      io.stdout.write(`${line}\n`);
    }
    if (shape.context_tokens !== null) {
      io.stdout.write(`The model's own context is ${shape.context_tokens.toLocaleString("en")} tokens.\n`);
    }
  }
  return rows.some(({ fits }) => fits) ? ExitCode.ok : ExitCode.nothingFits;
}

/** The share of this machine's free memory that other programs will not miss. */
const SHARE_OF_FREE = 0.9;

/** The memory to fit in, in bytes. Throws FalconError `memory-missing` if none is given and nothing is measured on this CPU. */
function findMemory({ memory, measure, cpu }: FitArgs): number {
  if (memory !== undefined) return memoryArgument(memory);
  if (measure !== undefined && cpu) return Math.floor(SHARE_OF_FREE * process.availableMemory());
  throw new FalconError({
    code: "memory-missing",
    message: "fit needs to know the memory to fit into.",
    next: "Give --memory 24GB; with --measure and --cpu, the free memory of this machine is the default.",
    exitCode: ExitCode.usage,
  });
}

/** Throws FalconError `quantization-unknown`, also for a quantization whose size is known only once it is loaded. */
function listQuantizations(names: readonly string[]): readonly Quantization[] {
  if (names.length === 0) return listFittedQuantizations();
  return names.map((name) => {
    const written = quantizationInputSchema.safeParse(name);
    const quantization = written.success ? resolveQuantization(written.data) : null;
    if (quantization !== null && canEstimate(quantization)) return quantization;
    throw new FalconError({
      code: "quantization-unknown",
      message:
        quantization === null
          ? `${JSON.stringify(name)} is not a known quantization.`
          : `The size of ${JSON.stringify(name)} is known only after it has been loaded.`,
      next: "Write none, int8, fp4, nf4 or another name of docs/quantization.md.",
      exitCode: ExitCode.usage,
    });
  });
}

/** The most rows of the given context that fit in the memory, by the estimate; null if not even one fits. */
function estimateBatch(
  { shape }: Described,
  quantization: Quantization,
  { dtype, context: tokens }: FitArgs,
  device: "cpu" | "cuda",
  memoryBytes: number,
): number | null {
  const total = (batch: number) =>
    estimate({ shape, quantization, dtype, batch, tokens, device }).total_bytes;
  const rows = 1 + Math.floor((memoryBytes - total(1)) / (total(2) - total(1)));
  return rows < 1 ? null : rows;
}

/** `yes, 1.1 GB to spare`, `tight`, `no`. */
export function describeFit(row: { readonly verdict: FitVerdict; readonly spare_bytes: number }): string {
  return row.verdict === "yes" ? `yes, ${formatBytes(row.spare_bytes)} to spare` : row.verdict;
}

type Described = Pick<ModelDescription, "kept"> & { readonly shape: ModelShape };

/** Describes the model as each quantization would load it. */
async function describeLoads(
  io: CommandIo,
  written: ModelSource,
  ready: PreparedEnvironment,
  asked: { readonly quantizations: readonly Quantization[]; readonly dtype: Dtype; readonly device: string },
): Promise<readonly Described[]> {
  const { quantizations, dtype, device } = asked;
  const model = withBuiltinPath(written, ready.builtinModelPath);
  const loads = quantizations.map(
    (quantization) => ({ model, quantization, dtype, device, workarounds: "auto" }) as const,
  );
  const options = { env: { ...io.env, ...ready.env }, pythonPath: ready.env.PYTHONPATH ?? "" };
  const { models } = await describeModels(ready.python, { loads, trustRemoteCode: false }, options);
  return models.map(({ shape, kept, error }) => {
    if (shape !== null) return { shape, kept };
    throw new FalconError({
      code: "fit-model-unreadable",
      message: `The model's config cannot be read: ${describeUnreadable(model, error)}`,
      next: "Check the name, or give the path of a config.json: falcon-exp fit ./config.json --memory 24GB.",
      exitCode: ExitCode.usage,
    });
  });
}

/** If the hub did not answer, the library's message is long and names no model, so a short one takes its place. */
function describeUnreadable(
  model: ModelSource,
  error: { readonly code: string; readonly message: string } | null,
): string {
  if (error === null) return "no reason given";
  if (error.code !== "hub-unreachable" || model.source !== "hub") return error.message;
  return `${model.repo} is not in this machine's cache, and the hub cannot be reached.`;
}
