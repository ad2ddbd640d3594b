/** What a proof says of an adapter beside the weights, in words. */
import { pluralize, safeLine } from "../base/text.js";
import { formatBytes } from "../base/units.js";
import type { RecordedProof } from "../run/record-types.js";

/** `LORA on 60 modules, 0.9 MB in bfloat16`; null where there is none. */
export function describeAdapter({ adapter }: RecordedProof): string | null {
  if (adapter === null) return null;
  const { type, modules, bytes, dtype } = adapter;
  return `${safeLine(type)} on ${pluralize(modules, "module")}, ${formatBytes(bytes)} in ${safeLine(dtype)}`;
}
