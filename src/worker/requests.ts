/** The requests to a worker, the phase that each belongs to, and how long each may go without progress. */
import type { Timeouts } from "../plan/plan-types.js";
import type { Phase } from "../protocol/common.js";
import type { ControllerMessage, OkBody } from "../protocol/messages.js";

export type WorkType =
  | "start"
  | "load"
  | "check_prompt"
  | "generate"
  | "profile"
  | "quality"
  | "lm_eval"
  | "unload";
export type WorkRequest = Extract<ControllerMessage, { type: WorkType }>;
export type BodyOf<T extends WorkType> = Extract<WorkRequest, { type: T }>["body"];
export type OkOf<T extends WorkType> = Extract<OkBody, { request: T }>;

export interface RequestDeadline {
  readonly phase: Phase;
  readonly limitSec: number;
}

export function requestDeadline<T extends WorkType>(
  type: T,
  body: BodyOf<T>,
  timeouts: Timeouts,
): RequestDeadline {
  const { start_sec, load_sec, warmup_sec, measure_sec, quality_sec, unload_sec } = timeouts;
  const asked: WorkType = type;
  switch (asked) {
    case "start":
      return { phase: "start", limitSec: start_sec };
    case "load":
    case "check_prompt":
      return { phase: "load", limitSec: load_sec };
    case "generate": {
      const { phase } = body as BodyOf<"generate">;
      return { phase, limitSec: phase === "warmup" ? warmup_sec : measure_sec };
    }
    case "profile":
      return { phase: "profile", limitSec: measure_sec };
    case "quality":
    case "lm_eval":
      return { phase: "quality", limitSec: quality_sec };
    case "unload":
      return { phase: "unload", limitSec: unload_sec };
  }
}
