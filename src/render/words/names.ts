/** What configurations are called in text for people. Files, records and commands keep `none`; people see what it means. */

import { safeLine } from "../../base/text.js";
import { type ConfigurationData, findRunningProof } from "../../run/run-data.js";

const SHORT_DTYPES: Readonly<Record<string, string>> = {
  bfloat16: "bf16",
  float16: "fp16",
  float32: "fp32",
};

/** The parts of a configuration that make up its name; a configuration of a summary has them. */
export interface NamedConfiguration {
  readonly label: string;
  readonly axes: Readonly<Record<string, string>>;
  /** Read back from the model; null if none was loaded. */
  readonly dtype: string | null;
}

/** `bf16 (unquantized)` for `none`, every other label as it is; made safe to show on one line. */
export function shownName(configuration: NamedConfiguration): string {
  return renamed(configuration, " (unquantized)");
}

/** `bf16`, for places with little room where a line below says that it is unquantized. */
export function shortName(configuration: NamedConfiguration): string {
  return renamed(configuration, "");
}

/** The name of a configuration of which only the label is known, and perhaps the dtype. */
export function shownLabel(label: string, dtype: string | null = null): string {
  return renamed({ label, axes: { quantization: "none" }, dtype }, " (unquantized)");
}

/** Takes the parts that make up the name from a recorded configuration. */
export function recordedName(configuration: ConfigurationData): NamedConfiguration {
  const { plan } = configuration;
  const dtype = findRunningProof(configuration)?.dtype ?? null;
  return { label: plan.worker.label, axes: plan.axes, dtype };
}

function renamed({ label, axes, dtype }: NamedConfiguration, remark: string): string {
  if (axes.quantization !== "none") return safeLine(label);
  // The dtype is left out if the label names it already, or if it is unknown because the model was never loaded.
  const name =
    axes.dtype !== undefined || dtype === null ? "unquantized" : `${SHORT_DTYPES[dtype] ?? dtype}${remark}`;
  // The model itself may be called `none` too.
  const { model = "" } = axes;
  const at = model !== "" && label.startsWith(`${model} `) ? model.length : 0;
  return safeLine(label.slice(0, at) + label.slice(at).replace(/(^|\s)none(?=\s|$)/, `$1${name}`));
}
