/** `records.csv`: one flat row a trial, units in the column names (docs/results.md lists every column). */
import { medianOf } from "../base/median.js";
import { csvText } from "../base/untrusted-text.js";
import type { RecordedTrial, TrialRecord } from "./record-types.js";
import { type ConfigurationData, failureOf, type RunData } from "./run-data.js";

export type CsvCell = string | number | boolean | null;
export type CsvRow = Readonly<Record<string, CsvCell>>;

/** One row a trial; a configuration without any trial has one row with its status and failure. */
export function csvRows(data: RunData): CsvRow[] {
  return data.configurations.flatMap((configuration) => {
    const shared = { ...runColumns(data), ...configurationColumns(configuration) };
    const trials: readonly (TrialRecord | null)[] =
      configuration.trials.length === 0 ? [null] : configuration.trials;
    return trials.map((trial) => ({ ...shared, ...trialColumns(trial, configuration) }));
  });
}

/** The file's text: RFC 4180 quoting, `\n` line ends. */
export async function toCsv(data: RunData): Promise<string> {
  const { stringify } = await import("csv-stringify/sync");
  return stringify(
    csvRows(data).map((row) => Object.fromEntries(Object.entries(row).map(([k, v]) => [k, cell(v)]))),
    { header: true, cast: { boolean: (value) => (value ? "true" : "false") } },
  );
}

function cell(value: CsvCell): CsvCell {
  return typeof value === "string" ? csvText(value) : value;
}

function runColumns({ run }: RunData) {
  return {
    schema_version: run.schema_version,
    run_id: run.run_id,
    experiment: run.plan.experiment,
    model: run.plan.model_name,
  };
}

function configurationColumns({ plan, load, status }: ConfigurationData) {
  const proof = load?.load.proof;
  const effective = proof?.quantization_effective;
  return {
    configuration_id: plan.worker.id,
    configuration: plan.worker.label,
    is_reference: plan.is_reference,
    configuration_status: status,
    quantization_requested: plan.worker.quantization.method,
    quantization_effective: effective?.method ?? null,
    quantization_type: effective?.type ?? null,
    double_quant: effective?.double_quant ?? null,
    compute_dtype: effective?.compute_dtype ?? null,
    dtype: proof?.dtype ?? null,
    device_requested: plan.worker.device,
    attention: proof?.attn_implementation ?? null,
    offloaded: proof?.offloaded ?? null,
    identity_sha256: load?.identity_sha256 ?? null,
    load_sec: load?.load.load_sec ?? null,
    load_peak_allocated_bytes: load?.load.load_peak_allocated_bytes ?? null,
    load_peak_rss_bytes: load?.load.load_peak_rss_bytes ?? null,
    weights_bytes: proof?.weights_bytes ?? null,
    parameters: proof?.parameters ?? null,
    linear_layers: proof?.linear_layers ?? null,
    quantized_linear_layers: proof?.quantized_linear_layers ?? null,
  };
}

function trialColumns(trial: TrialRecord | null, configuration: ConfigurationData) {
  const failure =
    trial?.status === "failed" ? trial.failure : trial === null ? failureOf(configuration) : null;
  const measurement = trial?.status === "completed" ? trial.measurement : null;
  return {
    trial_id: trial?.trial_id ?? null,
    trial_index: trial?.trial_index ?? null,
    prompt_id: trial?.prompt_id ?? null,
    prompt_index: trial?.prompt_index ?? null,
    repeat: trial?.repeat ?? null,
    round: trial?.round ?? null,
    status: trial?.status ?? configuration.status,
    finished_at: trial?.at ?? configuration.outcome?.at ?? null,
    failure_code: failure?.code ?? null,
    failure_message: failure?.message ?? null,
    ...measurementColumns(measurement),
  };
}

function measurementColumns(m: RecordedTrial | null) {
  return {
    input_tokens: m?.input_tokens ?? null,
    output_tokens: m?.output_tokens ?? null,
    finish_reason: m?.finish_reason ?? null,
    elapsed_sec: m?.elapsed_sec ?? null,
    ttft_sec: m?.ttft_sec ?? null,
    itl_median_sec: m === null ? null : medianOf(m.itl_sec),
    tpot_sec: m?.tpot_sec ?? null,
    prefill_tokens_per_sec: m?.prefill_tokens_per_sec ?? null,
    decode_tokens_per_sec: m?.decode_tokens_per_sec ?? null,
    peak_memory_allocated_bytes: m?.peak_memory_allocated_bytes ?? null,
    peak_memory_reserved_bytes: m?.peak_memory_reserved_bytes ?? null,
    device_memory_used_bytes: m?.device_memory_used_bytes ?? null,
    peak_rss_bytes: m?.peak_rss_bytes ?? null,
    peak_rss_source: m?.peak_rss_source ?? null,
    energy_joules: m?.energy_joules ?? null,
    energy_source: m?.energy_source ?? null,
    seed: m?.seed ?? null,
    chat_template_applied: m?.chat_template_applied ?? null,
    output_ids_sha256: m?.output_ids_sha256 ?? null,
    output_text: m?.output_text ?? null,
  };
}
