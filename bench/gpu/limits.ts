/** Compares what was measured on a GPU with what its memory allows: each decoded token reads the weights once. Pure. */

import { computeMedian } from "../../src/base/statistics.js";
import type { Card } from "../../src/protocol/measurements.js";
import type { RunFileRecord } from "../../src/run/record-types.js";
import type { ConfigurationSummary, RunSummary } from "../../src/run/summary-schema.js";

export interface LimitRow {
  readonly experiment: string;
  readonly configuration: string;
  readonly status: ConfigurationSummary["status"];
  /** Null if it did not fail. */
  readonly failure_code: string | null;
  /** The name of the card that holds the weights. Null if several cards hold them, or none. */
  readonly card: string | null;
  readonly read_bytes_per_sec: number | null;
  readonly weights_bytes: number | null;
  readonly read_per_token_bytes: number | null;
  readonly peak_gpu_bytes: number | null;
  readonly ttft_sec: number | null;
  readonly decode_tokens_per_sec: number | null;
  /** The card's measured bandwidth ÷ what a token reads. */
  readonly limit_tokens_per_sec: number | null;
  /** The measured decode rate as a share of that limit. */
  readonly limit_share: number | null;
  /** Computed from the energy of trials. Null if no trial has one. */
  readonly joules_per_token: number | null;
}

export function computeLimitRows(summary: RunSummary, records: readonly RunFileRecord[]): LimitRow[] {
  const environment = records.find((record) => record.kind === "environment")?.environment;
  return summary.configurations.map((one) => {
    const card = findCard(one, records);
    const bandwidth = environment?.memory_bandwidth.find(
      ({ device }) => device === `${card?.kind}:${card?.index}`,
    );
    const rate = bandwidth?.read_bytes_per_sec ?? null;
    const limit = rate === null || one.read_per_token_bytes === null ? null : rate / one.read_per_token_bytes;
    const measured = one.decode_tokens_per_sec?.median ?? null;
    const isOnGpu = one.memory_metric === "peak_memory_allocated_bytes";
    return {
      experiment: summary.experiment,
      configuration: one.label,
      status: one.status,
      failure_code: one.failure?.code ?? null,
      card: card?.name ?? null,
      read_bytes_per_sec: rate,
      weights_bytes: one.weights_bytes,
      read_per_token_bytes: one.read_per_token_bytes,
      peak_gpu_bytes: isOnGpu ? (one.peak_memory_bytes?.median ?? null) : null,
      ttft_sec: one.ttft_sec?.median ?? null,
      decode_tokens_per_sec: measured,
      limit_tokens_per_sec: limit,
      limit_share: measured === null || limit === null ? null : measured / limit,
      joules_per_token: computeJoulesPerToken(one.id, records),
    };
  });
}

/** The card that holds the whole model. Null if the model is spread over several cards or is partly on the host. */
function findCard({ id, offloaded }: ConfigurationSummary, records: readonly RunFileRecord[]): Card | null {
  const load = records.findLast((record) => record.kind === "load" && record.configuration_id === id);
  const cards = (load?.kind === "load" && load.load.devices) || [];
  return cards.length === 1 && offloaded !== true ? (cards[0] ?? null) : null;
}

function computeJoulesPerToken(id: string, records: readonly RunFileRecord[]): number | null {
  const each = records.flatMap((record) => {
    if (record.kind !== "trial" || record.status !== "completed" || record.configuration_id !== id) return [];
    const { energy_joules: joules, output_tokens: tokens } = record.measurement;
    return joules === null || tokens === 0 ? [] : [joules / tokens];
  });
  return computeMedian(each);
}
