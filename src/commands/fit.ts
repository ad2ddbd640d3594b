import { resolve } from "node:path";
import { computeMargin, type FitVerdict, judgeFit } from "../analysis/estimate-margin.js";
import { describeExpectedShare, describeStoredQuantization } from "../analysis/quantized-share.js";
import { describeKept } from "../analysis/remarks.js";
import { FalconError } from "../base/errors.js";
import { ExitCode } from "../base/exit-codes.js";
import { wrapText } from "../base/text.js";
import { formatBytes } from "../base/units.js";
import { resolveModelArgument } from "../experiment/model-argument.js";
import { isBuiltin, withBuiltinPath } from "../plan/builtin-model.js";
import { estimate, longestContext } from "../plan/estimate.js";
import type { ModelSource } from "../protocol/configuration.js";
import type { ModelShape } from "../protocol/measurements.js";
import { describeModels, type ModelDescription } from "../python-env/describe-models.js";
import {
  describeQuantization,
  listFittedQuantizations,
  type Quantization,
} from "../quantization/registry.js";
import { fitTable, nameColumn } from "../render/terminal/fit-table.js";
import type { CommandIo } from "./io.js";
import { memoryArgument } from "./memory-argument.js";
import { marginSentences, readPastPeaks } from "./past-peaks.js";
import { prepareEnvironment } from "./prepare-environment.js";
import { printJson } from "./print-json.js";

export interface FitArgs {
  readonly model: string;
  readonly memory: string;
  readonly context: number;
  readonly batch: number;
  readonly dtype: string;
  readonly cpu: boolean;
  readonly results: string;
  readonly python?: string;
  readonly json: boolean;
}

/** `falcon-exp fit`: which quantizations of a model fit into so much memory, and the longest context of each. */
export async function run(io: CommandIo, args: FitArgs): Promise<number> {
  const memoryBytes = memoryArgument(args.memory);
  const model = await resolveModelArgument(args.model, resolve(io.cwd));
  const device = args.cpu ? "cpu" : "cuda";
  const past = await readPastPeaks(args.results, io.cwd);
  const quantizations = listFittedQuantizations();
  const described = await describeLoads(io, model, { quantizations, device, python: args.python || null });
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
  if (args.json) {
    const asked = { memory_bytes: memoryBytes, context_tokens: args.context, batch_size: args.batch, device };
    printJson(io, { model, ...asked, shape, rows });
  } else {
    const parameters = `${(shape.parameters / 1e9).toFixed(2)} billion parameters`;
    io.stdout.write(`${args.model}: ${parameters}, into ${formatBytes(memoryBytes)} (${device})\n`);
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

/** `yes, 1.1 GB to spare`, `tight`, `no`. */
export function describeFit(row: { readonly verdict: FitVerdict; readonly spare_bytes: number }): string {
  return row.verdict === "yes" ? `yes, ${formatBytes(row.spare_bytes)} to spare` : row.verdict;
}

type Described = Pick<ModelDescription, "kept"> & { readonly shape: ModelShape };

/** The model as each quantization would load it. */
async function describeLoads(
  io: CommandIo,
  written: ModelSource,
  asked: {
    readonly quantizations: readonly Quantization[];
    readonly device: string;
    readonly python: string | null;
  },
): Promise<readonly Described[]> {
  const { quantizations, device, python } = asked;
  const ready = await prepareEnvironment(io, { python, needsBuiltinModel: isBuiltin(written), extras: [] });
  const model = withBuiltinPath(written, ready.builtinModelPath);
  const loads = quantizations.map(
    (quantization) => ({ model, quantization, dtype: "auto", device, workarounds: "auto" }) as const,
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

/** Where the hub did not answer, the library says so in many words, and of no model. */
function describeUnreadable(
  model: ModelSource,
  error: { readonly code: string; readonly message: string } | null,
): string {
  if (error === null) return "no reason given";
  if (error.code !== "hub-unreachable" || model.source !== "hub") return error.message;
  return `${model.repo} is not in this machine's cache, and the hub cannot be reached.`;
}
