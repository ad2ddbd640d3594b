/** `falcon-exp fit --measure`: finds the largest context or batch that real loads have room for, next to the estimate. */
import { wrapText } from "../base/text.js";
import { formatBytes } from "../base/units.js";
import type { Dtype, ModelSource, WorkerConfiguration } from "../protocol/configuration.js";
import { type FitFound, type FitProbe, type FitSearch, probeFit } from "../python-env/fit-probes.js";
import { describeQuantization, type Quantization } from "../quantization/registry.js";
import { fitTable, nameColumn } from "../render/terminal/fit-table.js";
import type { CommandIo } from "./io.js";
import type { PreparedEnvironment } from "./prepare-environment.js";

/** No model has a longer context, and nobody waits for more rows. */
const MOST = { context: 1_048_576, batch: 65_536 } as const;
/** A context includes an answer of two tokens. */
const LEAST = { context: 16, batch: 1 } as const;

export interface MeasuredFit {
  readonly quantization: string;
  readonly estimated: number | null;
  readonly found: FitFound;
}

export interface FitAsked {
  readonly model: ModelSource;
  readonly search: FitSearch["search"];
  readonly context: number;
  readonly batch: number;
  readonly dtype: Dtype;
  readonly device: string;
  readonly memoryBytes: number;
}

/** Measures one candidate after the other, and reports each probe on stderr. `estimated` is the value that is tried first. */
export async function measureFits(
  io: CommandIo,
  environment: PreparedEnvironment,
  asked: FitAsked,
  candidates: readonly {
    readonly quantization: Quantization;
    readonly estimated: number | null;
    readonly contextTokens: number | null;
  }[],
): Promise<readonly MeasuredFit[]> {
  const fits: MeasuredFit[] = [];
  for (const { quantization, estimated, contextTokens } of candidates) {
    const name = describeQuantization(quantization);
    const { search } = asked;
    const most = search === "context" ? (contextTokens ?? MOST.context) : MOST.batch;
    const found = await probeFit(
      environment.python,
      {
        configuration: configure(asked, quantization),
        search,
        context: asked.context,
        batch: asked.batch,
        least: LEAST[search],
        most,
        guess: estimated ?? LEAST[search],
        memory_bytes: asked.memoryBytes,
      },
      {
        env: { ...io.env, ...environment.env },
        pythonPath: environment.pythonPath,
        onProbe: (probe) => io.stderr.write(`${name}: ${describeProbe(probe, search)}\n`),
      },
    );
    fits.push({ quantization: name, estimated, found });
  }
  return fits;
}

function configure(asked: FitAsked, quantization: Quantization): WorkerConfiguration {
  const { model, dtype, device } = asked;
  return {
    id: "fit",
    label: "fit",
    model,
    quantization,
    dtype,
    device,
    attention: "auto",
    trust_remote_code: false,
    workarounds: "auto",
  };
}

function describeProbe({ value, fits, peak_bytes, reason }: FitProbe, search: string): string {
  const peak = peak_bytes === null ? "" : ` (${formatBytes(peak_bytes)})`;
  const what = `${search} ${value.toLocaleString("en")}`;
  return fits ? `${what} fits${peak}` : `${what} does not fit: ${reason ?? "no reason given"}`;
}

export function renderFits(fits: readonly MeasuredFit[], asked: FitAsked, io: CommandIo): string {
  const count = (value: number | null) => value?.toLocaleString("en") ?? "–";
  const held =
    asked.search === "context" ? `${asked.batch} at once` : `of ${asked.context.toLocaleString("en")} tokens`;
  const { text } = fitTable<MeasuredFit>(
    fits,
    [
      nameColumn("quantization", ({ quantization }) => quantization),
      { header: `largest ${asked.search}, ${held}`, cell: describeLargest, dropRank: 0 },
      {
        header: "its peak",
        cell: ({ found }) =>
          found.event === "done" && found.largest_peak_bytes !== null
            ? formatBytes(found.largest_peak_bytes)
            : "–",
        dropRank: 1,
      },
      {
        header: "too large",
        cell: ({ found }) => count(found.event === "done" ? found.smallest_failed : null),
        dropRank: 2,
      },
      { header: "estimated", cell: ({ estimated }) => count(estimated), dropRank: 1 },
    ],
    io,
  );
  const failures = fits.flatMap(({ quantization, found }) =>
    found.event === "error" ? wrapText(`${quantization}: ${found.message}`, io.columns) : [],
  );
  return [text, ...failures].join("\n");
}

function describeLargest({ found }: MeasuredFit): string {
  if (found.event === "error") return "not measured";
  return found.largest?.toLocaleString("en") ?? "none fits";
}

export function hasFit(fits: readonly MeasuredFit[]): boolean {
  return fits.some(({ found }) => found.event === "done" && found.largest !== null);
}
