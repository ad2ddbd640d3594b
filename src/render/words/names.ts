/** What configurations are called where people read. Files, records and commands keep `none`; people see what that is. */

import { safeLine } from "../../base/text.js";
import { type ConfigurationData, findRunningProof } from "../../run/run-data.js";

const SHORT_DTYPES: Readonly<Record<string, string>> = {
  bfloat16: "bf16",
  float16: "fp16",
  float32: "fp32",
};

/** As much of a configuration as its name is made of; a summary's is one. */
export interface NamedConfiguration {
  readonly label: string;
  readonly axes: Readonly<Record<string, string>>;
  /** Read back from the model; null where none was loaded. */
  readonly dtype: string | null;
}

/** `bf16 (unquantized)` for `none`, every other label as it is; made harmless for one line. */
export function shownName(configuration: NamedConfiguration): string {
  return renamed(configuration, " (unquantized)");
}

/** `bf16`, where there is little room and a line beneath says that it is unquantized. */
export function shortName(configuration: NamedConfiguration): string {
  return renamed(configuration, "");
}

/** Of what is known by its label alone, and perhaps its dtype. */
export function shownLabel(label: string, dtype: string | null = null): string {
  return renamed({ label, axes: { quantization: "none" }, dtype }, " (unquantized)");
}

/** The same of what was recorded. */
export function recordedName(configuration: ConfigurationData): NamedConfiguration {
  const { plan } = configuration;
  const dtype = findRunningProof(configuration)?.dtype ?? null;
  return { label: plan.worker.label, axes: plan.axes, dtype };
}

function renamed({ label, axes, dtype }: NamedConfiguration, remark: string): string {
  if (axes.quantization !== "none") return safeLine(label);
  // A label that names its dtype, and one of a model that was never loaded, say only what the rest does not.
  const name =
    axes.dtype !== undefined || dtype === null ? "unquantized" : `${SHORT_DTYPES[dtype] ?? dtype}${remark}`;
  // A model may be called `none` as well.
  const { model = "" } = axes;
  const at = model !== "" && label.startsWith(`${model} `) ? model.length : 0;
  return safeLine(label.slice(0, at) + label.slice(at).replace(/(^|\s)none(?=\s|$)/, `$1${name}`));
}
