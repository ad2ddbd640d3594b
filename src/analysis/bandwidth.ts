/** Why a configuration is as fast as it is: how much of the machine's memory bandwidth it uses, and where its time goes. */
import { computeStatistics, type Statistics } from "../base/statistics.js";
import type { RecordedEnvironment } from "../run/record-types.js";
import { type ConfigurationData, timedTrials } from "../run/run-data.js";
import type { ConfigurationSummary, Effect, ProfileSummary } from "../run/summary-schema.js";

/**
 * Model bandwidth utilization: bytes of weights read per token ÷ time per output token ÷ bytes per second that the device can
 * read (measured on this machine before the run). The cache of keys and values is left out, because it is small at these lengths.
 * Null if the model is on several devices, if the bandwidth is not known, or if a token of the answer is not one pass: drafts give
 * several tokens a pass, and beams go on after the answer that wins has ended.
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
  if (configuration.plan.generation.num_beams !== null) return null;
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

export interface SpeedReasons {
  /** Shares of the memory bandwidth that both use. Null if they are unknown, or if neither is slower. */
  readonly bandwidth: {
    readonly own: number;
    readonly reference: number;
    /** What limits decoding; null if the shares do not show it. */
    readonly bound: "memory" | "compute" | null;
  } | null;
  /** Shares of a decoding step's time outside the linear layers. Null if it was not profiled. */
  readonly outsideLinear: { readonly own: number; readonly reference: number | null } | null;
}

type Side = Pick<ConfigurationSummary, "bandwidth_utilization" | "profile">;

/** Why a configuration is slower or faster than the reference, as far as the values show. */
export function findSpeedReasons(own: Side, reference: Side, time: Effect | null): SpeedReasons {
  if (time?.verdict === "disturbed") return { bandwidth: null, outsideLinear: null };
  const mine = own.bandwidth_utilization?.median ?? null;
  const its = reference.bandwidth_utilization?.median ?? null;
  const isJudged = time?.verdict === "more" || time?.verdict === "less";
  const bound =
    mine !== null && mine >= BOUND_BY_MEMORY ? "memory" : time?.verdict === "more" ? "compute" : null;
  return {
    bandwidth: mine === null || its === null || !isJudged ? null : { own: mine, reference: its, bound },
    outsideLinear:
      own.profile === null
        ? null
        : {
            own: own.profile.outside_linear_share,
            reference: reference.profile?.outside_linear_share ?? null,
          },
  };
}
