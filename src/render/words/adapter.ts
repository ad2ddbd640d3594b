/** Describes an adapter that is kept beside the weights, as recorded in a proof. */
import { pluralize, safeLine } from "../../base/text.js";
import { formatBytes } from "../../base/units.js";
import type { RecordedProof } from "../../run/record-types.js";

/** `LORA on 60 modules, 0.9 MB in bfloat16`. Null if there is no adapter. */
export function describeAdapter({ adapter }: RecordedProof): string | null {
  if (adapter === null) return null;
  const { type, modules, bytes, dtype } = adapter;
  return `${safeLine(type)} on ${pluralize(modules, "module")}, ${formatBytes(bytes)} in ${safeLine(dtype)}`;
}
