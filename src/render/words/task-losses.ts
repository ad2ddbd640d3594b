/** Interrupted tasks, as one would say it. */
import { safeLine } from "../../base/text.js";
import type { TaskLoss } from "../../run/task-losses.js";

/** What becomes of the work, while it goes on. */
export const OUTCOMES: Readonly<Record<TaskLoss["outcome"], string>> = {
  again: "submitted again",
  requeued: "measured again",
  "given-up": "recorded as failed",
};

/** `slice 2: Slurm task 17_2 on n1: it was preempted (PREEMPTED).` */
export function describeLoss({ slice, message }: Pick<TaskLoss, "slice" | "message">): string {
  return `slice ${slice}: ${safeLine(message)}`;
}

const PAST_OUTCOMES = { ...OUTCOMES, requeued: "queued again by Slurm" };

/** The same once the run is over. */
export function describePastLoss(loss: TaskLoss): string {
  return `Interrupted: ${describeLoss(loss)} It was ${PAST_OUTCOMES[loss.outcome]} (${safeLine(loss.code)}).`;
}
