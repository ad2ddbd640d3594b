/** What was actually loaded, read back from the live model. */

import { pluralize } from "../../base/text.js";
import { formatBytes, formatSeconds } from "../../base/units.js";
import type { CensusKind } from "../../protocol/measurements.js";
import type { RecordedProof } from "../../run/record-types.js";
import {
  type ConfigurationData,
  findProofAfter,
  findRunningProof,
  type RunData,
} from "../../run/run-data.js";
import type { ConfigurationSummary, RunSummary } from "../../run/summary-schema.js";
import { describeAdapter } from "../words/adapter.js";
import { FORMATS } from "../words/metric-values.js";
import { recordedName, shownName } from "../words/names.js";
import { describePrepared } from "../words/prepared.js";
import { describeStatus } from "../words/status.js";
import { definitions, type Fact } from "./definitions.js";
import { folded } from "./folded.js";
import { html, type Markup } from "./markup.js";

export function proofSection(data: RunData, summary: RunSummary): Markup {
  return folded(
    "proof",
    "What ran",
    html`<p class="quiet">Read back from the live model, after loading and once it runs. A model that was not loaded as requested is a failed configuration, never a data point.</p>
<div class="cards">
${data.configurations.map((configuration, index) => card(configuration, summary.configurations[index]))}
</div>`,
  );
}

function card(configuration: ConfigurationData, summary: ConfigurationSummary | undefined): Markup {
  const { plan, load } = configuration;
  return html`<article class="card" data-configuration="${plan.worker.id}">
<h3><bdi>${shownName(recordedName(configuration))}</bdi>${plan.is_reference && " *"}</h3>
${
  load === null
    ? html`<p class="bad">Nothing was loaded: ${describeStatus(configuration)}</p>`
    : definitions([...quantizationFacts(configuration), ...otherFacts(configuration)])
}
${libraryWarnings(summary?.notices ?? [])}
</article>`;
}

function quantizationFacts(configuration: ConfigurationData): Fact[] {
  const { plan, load } = configuration;
  const proof = findRunningProof(configuration);
  if (load === null || proof === null) return [];
  const atLoad = load.load.proof.weights_bytes;
  const got = proof.quantization_effective;
  const details = [
    got.type,
    got.block_size === null ? null : `blocks of ${got.block_size}`,
    got.double_quant === true ? "double quantization" : null,
    got.compute_dtype === null ? null : `computes in ${got.compute_dtype}`,
    got.int8_threshold === null ? null : `threshold ${got.int8_threshold}`,
  ].filter((part) => part !== null);
  return [
    ["asked for", plan.worker.quantization.method],
    ["files stored as", load.load.stored_quantization],
    ["ran", [got.method, ...details].join(", ")],
    ["quantized layers", `${proof.quantized_linear_layers} of ${proof.linear_layers} linear`],
    ["of the matrix weights", shareText(proof)],
    ...(proof.census?.kinds ?? []).flatMap((kind): Fact[] =>
      kind.matrix_weights === 0 ? [] : [[`… ${kind.kind}`, kindText(kind)]],
    ),
    ["layer classes", counts(proof.linear_classes)],
    ["left unquantized", proof.skipped_linear_modules.join(", ") || "none"],
    ["weights", `${formatBytes(proof.weights_bytes)}, ${proof.parameters.toLocaleString("en")} parameters`],
    ["… at load", atLoad === proof.weights_bytes ? null : formatBytes(atLoad)],
    [
      "by dtype",
      Object.entries(proof.bytes_by_dtype)
        .map(([dtype, bytes]) => `${dtype} ${formatBytes(bytes)}`)
        .join(", "),
    ],
  ];
}

/** `100.0 % quantized, 4.50 bits each with their state`. */
function shareText(proof: RecordedProof): string | null {
  if (proof.census === null) return null;
  const { matrix_weights_quantized_share: share, mean_bits_per_weight: bits } = proof;
  if (share === null || bits === null) return "unknown";
  return `${FORMATS.share(share)} quantized, ${FORMATS.bits(bits)} each with their state`;
}

function kindText({ bytes, matrix_weights, matrix_bytes, quantized_weights, unquantized_dtype }: CensusKind) {
  const share = FORMATS.share(quantized_weights / matrix_weights);
  const bits = FORMATS.bits((8 * matrix_bytes) / matrix_weights);
  const rest = unquantized_dtype === null ? "" : `, else ${unquantized_dtype}`;
  return `${formatBytes(bytes)}, ${bits} a weight, ${share} quantized${rest}`;
}

function otherFacts(configuration: ConfigurationData): Fact[] {
  const { load } = configuration;
  if (load === null) return [];
  const proofAfter = findProofAfter(configuration);
  const {
    proof,
    load_sec,
    page_cache_share,
    download_sec,
    model_revision,
    model_config_sha256,
    adapter_revision,
  } = load.load;
  return [
    ["model class", `${proof.model_class}, ${proof.dtype}`],
    [
      "device",
      `${[...new Set(Object.values(proof.device_map))].join(", ")}${proof.offloaded ? ", offloaded" : ""}`,
    ],
    ["attention", proof.attn_implementation],
    ["cache", proofAfter && cacheText(proofAfter)],
    ["chat template", proof.chat_template ? "yes" : "no"],
    ["adapter", describeAdapter(proof)],
    ["assistant", proofAfter && describeAssistant(proofAfter)],
    ["workarounds applied", proof.workarounds_applied.join(", ") || "none"],
    ["made of", describePrepared(load.load.prepared_from ?? []).join("; ") || null],
    ["load", loadText(load_sec, page_cache_share)],
    ["download", download_sec === null ? null : formatSeconds(download_sec)],
    ["revision", model_revision],
    ["adapter's revision", adapter_revision],
    ["model's config", model_config_sha256],
    ["weights' fingerprint", load.load.fingerprints?.weights ?? null],
    ["tokenizer's fingerprint", load.load.fingerprints?.tokenizer ?? null],
    ["chat template's fingerprint", load.load.fingerprints?.chat_template ?? null],
    ["generation settings' fingerprint", load.load.fingerprints?.generation_settings ?? null],
    ["identity", load.identity_sha256],
  ];
}

function describeAssistant({ assistant }: RecordedProof): string | null {
  if (assistant === null) return null;
  const { model_class, parameters, weights_bytes, dtype } = assistant;
  return `${model_class}, ${parameters.toLocaleString("en")} parameters, ${formatBytes(weights_bytes)}, ${dtype}`;
}

/** `StaticCache, 30 StaticLayer, at most 12.6 MB, forward pass compiled 1 time in 8.1 s`. */
function cacheText(proof: CacheProof): string | null {
  const {
    cache_implementation: name,
    cache_layers,
    cache_bytes,
    compiled,
    compilations,
    compile_sec,
  } = proof;
  if (name === null) return null;
  const how =
    compilations === null ? "" : ` ${pluralize(compilations, "time")} in ${formatSeconds(compile_sec ?? 0)}`;
  return [
    name,
    ...(cache_layers === null ? [] : [counts(cache_layers)]),
    ...(cache_bytes === null ? [] : [`at most ${formatBytes(cache_bytes)}`]),
    ...(compiled === true ? [`forward pass compiled${how}`] : []),
  ].join(", ");
}

type CacheProof = Pick<
  RecordedProof,
  "cache_implementation" | "cache_layers" | "cache_bytes" | "compiled" | "compilations" | "compile_sec"
>;

/**
 * The load time, with how much of the files was in the page cache, because loading from disk differs from loading from
 * memory. Weights that were drawn at random were not loaded at all.
 */
function loadText(loadSec: number | null, pageCacheShare: number | null): string {
  if (loadSec === null) return "none: the weights were drawn at random";
  const seconds = formatSeconds(loadSec);
  if (pageCacheShare === null) return seconds;
  return `${seconds}, ${Math.round(pageCacheShare * 100)} % of the files already in the page cache`;
}

function counts(classes: Readonly<Record<string, number>>): string {
  return Object.entries(classes)
    .map(([name, count]) => `${count} ${name}`)
    .join(", ");
}

function libraryWarnings(all: ConfigurationSummary["notices"]): Markup | null {
  if (all.length === 0) return null;
  return html`<details><summary>${pluralize(all.length, "library warning")}</summary>
<ul class="notices">${all.map(({ source, text, count }) => html`<li>${source}: ${text.slice(0, 600)}${count > 1 && html` <span class="quiet">(${count} times)</span>`}</li>`)}</ul>
</details>`;
}
