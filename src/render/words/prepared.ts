/** Describes what the loaded files were made from, if they are not the model's own files. */
import { pluralize, safeLine } from "../../base/text.js";
import { formatBytes } from "../../base/units.js";
import type { PreparedFrom } from "../../protocol/measurements.js";

/** GGUF types that store plain numbers, without packing them. */
const UNPACKED: ReadonlySet<string> = new Set(["F32", "F16", "BF16", "F64"]);
/** Types with a smaller share of the weights are not named: they are norms and the like. */
const WORTH_NAMING = 0.01;

/** Returns one sentence for each, because a reader would otherwise take these for the model's own weights. */
export function describePrepared(prepared: readonly PreparedFrom[]): readonly string[] {
  return prepared.map((one) => {
    if (one.kind === "gguf") return describeGguf(one);
    const { modules, changed_modules: changed } = one;
    const some = changed === modules ? "" : `; ${modules - changed} of them did not change`;
    return `an adapter was merged into the weights of ${pluralize(modules, "module")} before they were loaded${some}`;
  });
}

function describeGguf({
  weights_by_type,
  dtype,
  file_bytes,
}: Extract<PreparedFrom, { kind: "gguf" }>): string {
  const total = Object.values(weights_by_type).reduce((sum, count) => sum + count, 0);
  const types = Object.entries(weights_by_type)
    .filter(([, count]) => count >= total * WORTH_NAMING)
    .sort(([, one], [, other]) => other - one)
    .map(([type]) => safeLine(type));
  const file = `the GGUF file of ${formatBytes(file_bytes)}`;
  const isPacked = types.some((type) => !UNPACKED.has(type));
  return isPacked
    ? `the weights were ${types.join(" and ")} in ${file}; Transformers expanded them to ${safeLine(dtype)}, so they are not the 16-bit original`
    : `the weights are those of ${file}, in ${safeLine(dtype)}`;
}
