/** Events that an executor emits while it runs. The live display reads them; records are written separately. */
import type { LoadSession, PlanConfiguration, PlanTrial } from "../plan/plan-types.js";
import type { Phase } from "../protocol/common.js";
import type { LoadMeasurement, TrialMeasurement, WorkerEnvironment } from "../protocol/measurements.js";
import type { Failure, RunEndRecord } from "./record-types.js";

export type RunEvent =
  | { readonly type: "worker-starting" }
  /** The worker has said hello and is importing its libraries, which takes seconds; nothing is measured yet. */
  | { readonly type: "worker-importing" }
  | {
      readonly type: "worker-ready";
      readonly environment: WorkerEnvironment;
      /** Devices that the configurations ask for. */
      readonly devices: readonly string[];
      readonly elapsedSec: number;
    }
  | {
      readonly type: "configuration-started";
      readonly configuration: PlanConfiguration;
      readonly session: LoadSession;
      /** Trials of this load session that earlier attempts have recorded. */
      readonly trialsOver: number;
    }
  | {
      readonly type: "progress";
      readonly phase: Phase;
      readonly detail: string;
      /** New tokens so far in this generate; null outside warm-up and measure. */
      readonly outputTokens: number | null;
      /** New tokens per second so far in this generate; null before the second token. */
      readonly tokensPerSec: number | null;
    }
  | {
      readonly type: "configuration-loaded";
      readonly configuration: PlanConfiguration;
      readonly load: LoadMeasurement;
    }
  /** Loading once more would take longer than the trials, so this load measures those of later rounds as well. */
  | {
      readonly type: "rounds-joined";
      readonly configuration: PlanConfiguration;
      readonly session: LoadSession;
      /** Number of trials of later rounds that it measures. */
      readonly trials: number;
    }
  /** Times vary so much that some ratios are not known well enough; their configurations are loaded once more. */
  | {
      readonly type: "ratios-uncertain";
      /** The largest uncertainty of these ratios: 0.2 is ±20 %. Infinite if a ratio rests on one load. */
      readonly uncertainty: number;
      readonly sessions: readonly LoadSession[];
      /** Number of trials in all these sessions. */
      readonly trials: number;
    }
  | { readonly type: "warmup-started"; readonly configuration: PlanConfiguration; readonly index: number }
  | {
      readonly type: "warmup-completed";
      readonly configuration: PlanConfiguration;
      readonly measurement: TrialMeasurement;
    }
  | { readonly type: "trial-started"; readonly trial: PlanTrial }
  | { readonly type: "trial-completed"; readonly trial: PlanTrial; readonly measurement: TrialMeasurement }
  /** The trial is measured again. */
  | { readonly type: "trial-disturbed"; readonly trial: PlanTrial; readonly disturbances: readonly string[] }
  /** After a load's last trial: this many disturbed trials are measured once more. */
  | {
      readonly type: "disturbed-again";
      readonly configuration: PlanConfiguration;
      readonly trials: number;
    }
  | { readonly type: "trial-failed"; readonly trial: PlanTrial; readonly failure: Failure }
  /** Nothing is left to be measured in this load session, and nothing failed; its model is being unloaded. */
  | { readonly type: "session-measured"; readonly session: LoadSession }
  | {
      readonly type: "configuration-completed";
      readonly configuration: PlanConfiguration;
      readonly session: LoadSession;
      readonly elapsedSec: number;
    }
  | {
      readonly type: "configuration-failed";
      readonly configuration: PlanConfiguration;
      readonly session: LoadSession;
      readonly failure: Failure;
    }
  | {
      readonly type: "configuration-skipped";
      readonly configuration: PlanConfiguration;
      readonly session: LoadSession;
      readonly reason: string;
    }
  /** A load session is tried again because the failure may be transient. */
  | {
      readonly type: "configuration-retried";
      readonly configuration: PlanConfiguration;
      readonly session: LoadSession;
      readonly failure: Failure;
      readonly attempt: number;
    }
  /** A configuration is not measured, because an earlier run's measurements of it are reused. */
  | {
      readonly type: "reused";
      readonly configuration: PlanConfiguration;
      readonly from: { readonly experiment: string; readonly run_id: string };
    }
  | { readonly type: "not-reused"; readonly configuration: PlanConfiguration; readonly reason: string }
  /** The reference scores these texts again, because the log-probabilities it kept for comparing the others are gone. */
  | { readonly type: "rescoring"; readonly textIds: readonly string[] }
  /** An earlier process of this run has already finished this load session. */
  | { readonly type: "configuration-kept"; readonly session: LoadSession }
  /** A measurement of a configuration besides its trials, such as a profile or a scored text. */
  | { readonly type: "measurement-started"; readonly what: string }
  | { readonly type: "measurement-completed"; readonly what: string }
  | { readonly type: "measurement-failed"; readonly what: string; readonly failure: Failure }
  | { readonly type: "stopping"; readonly reason: string; readonly how: "after-this-trial" | "now" }
  | { readonly type: "run-ended"; readonly status: RunEndRecord["status"]; readonly elapsedSec: number };

export type RunEventListener = (event: RunEvent) => void;
