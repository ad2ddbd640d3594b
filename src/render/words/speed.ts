import type { SpeedReasons } from "../../analysis/bandwidth.js";

/** Why a configuration is slower or faster than the reference. Null if the values do not show it. */
export function explainSpeed({ bandwidth, outsideLinear }: SpeedReasons): string | null {
  const parts: string[] = [];
  if (bandwidth !== null) {
    const bound = bandwidth.bound === null ? "" : `${bandwidth.bound}-bound: `;
    parts.push(
      `${bound}uses ${formatShare(bandwidth.own)} of the memory bandwidth (reference: ${formatShare(bandwidth.reference)})`,
    );
  }
  if (outsideLinear !== null) {
    const { own, reference } = outsideLinear;
    const before = reference === null ? "" : ` (reference: ${formatShare(reference)})`;
    parts.push(`${formatShare(own)} of a decoding step is spent outside the linear layers${before}`);
  }
  return parts.length === 0 ? null : parts.join("; ");
}

function formatShare(share: number): string {
  return `${(share * 100).toFixed(share < 0.095 ? 1 : 0)} %`;
}
