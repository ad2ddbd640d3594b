/** Why a configuration is as fast as it is: how much of the machine's memory bandwidth it uses, and where its time goes. */
import { computeStatistics, type Statistics } from "../base/statistics.js";
import type { RecordedEnvironment } from "../run/record-types.js";
import { type ConfigurationData, timedTrials } from "../run/run-data.js";
import type { Effect, ProfileSummary } from "../run/summary-schema.js";

/**
 * Model bandwidth utilization: bytes of weights read per token ÷ time per output token ÷ bytes per second that the device can
 * read (measured on this machine before the run). The cache of keys and values is left out, because it is small at these lengths.
 * Null if the model is on several devices, if one pass yields several tokens (prompt lookup), or if the bandwidth is not known.
 */
export function bandwidthUtilization(
  { load, ...configuration }: ConfigurationData,
  environment: RecordedEnvironment | null,
): Statistics | null {
  const proof = load?.load.proof;
  const devices = new Set(Object.values(proof?.device_map ?? {}));
  const [device] = devices;
  const bandwidth = environment?.memory_bandwidth.find((one) => one.device === device);
  const readBytes = proof?.read_per_token_bytes ?? null;
  if (devices.size !== 1 || bandwidth === undefined || readBytes === null) return null;
  return computeStatistics(
    timedTrials({ load, ...configuration }).flatMap(({ measurement: { tpot_sec, drafted_tokens } }) =>
      tpot_sec === null || tpot_sec === 0 || drafted_tokens !== null
        ? []
        : [readBytes / tpot_sec / bandwidth.read_bytes_per_sec],
    ),
  );
}

export function profileSummary({ profile }: ConfigurationData): ProfileSummary | null {
  if (profile?.status !== "completed") return null;
  const { decode_steps, forward_sec, linear_sec, head_sec } = profile.measurement;
  if (decode_steps === 0 || forward_sec === 0) return null;
  return {
    decode_steps,
    outside_linear_share: Math.max(0, 1 - (linear_sec + head_sec) / forward_sec),
    linear_sec_per_token: linear_sec / decode_steps,
    forward_sec_per_token: forward_sec / decode_steps,
  };
}

/** From this share on, the speed of the memory is what limits decoding. */
const BOUND_BY_MEMORY = 0.6;

interface Side {
  readonly utilization: Statistics | null;
  readonly profile: ProfileSummary | null;
}

/** Says why a configuration is slower or faster than the reference, as far as the values show. Null if they do not show it. */
export function whySentence(own: Side, reference: Side, time: Effect | null): string | null {
  if (time?.verdict === "disturbed") return null;
  const parts: string[] = [];
  const mine = own.utilization?.median ?? null;
  const theirs = reference.utilization?.median ?? null;
  if (mine !== null && theirs !== null && (time?.verdict === "more" || time?.verdict === "less")) {
    const shares = `uses ${percent(mine)} of the memory bandwidth (reference: ${percent(theirs)})`;
    if (mine >= BOUND_BY_MEMORY) parts.push(`memory-bound: ${shares}`);
    else if (time.verdict === "more") parts.push(`compute-bound: ${shares}`);
    else parts.push(shares);
  }
  if (own.profile !== null) {
    const before =
      reference.profile === null ? "" : ` (reference: ${percent(reference.profile.outside_linear_share)})`;
    parts.push(
      `${percent(own.profile.outside_linear_share)} of a decoding step is spent outside the linear layers${before}`,
    );
  }
  return parts.length === 0 ? null : parts.join("; ");
}

function percent(share: number): string {
  return `${(share * 100).toFixed(share < 0.095 ? 1 : 0)} %`;
}
