/**
 * How far out to take the percentiles of a bootstrap, so that with few values the interval covers as much as Student's t does
 * (Hesterberg, 2015).
 */
import { studentTQuantile } from "../../base/statistics.js";

/** Share left out on each side: Φ(−√(n ÷ (n − 1)) · t), with Student's t for 95 % and n − 1 degrees of freedom. */
export function expandedTail(n: number): number {
  return normalTail(Math.sqrt(n / (n - 1)) * studentTQuantile(0.975, n - 1));
}
/** P(Z > z) of the standard normal distribution for z ≥ 0: Abramowitz and Stegun 26.2.17, error below 7.5e-8. */
function normalTail(z: number): number {
  const t = 1 / (1 + 0.2316419 * z);
  const polynomial =
    t * (0.31938153 + t * (-0.356563782 + t * (1.781477937 + t * (-1.821255978 + t * 1.330274429))));
  return (Math.exp((-z * z) / 2) / Math.sqrt(2 * Math.PI)) * polynomial;
}
