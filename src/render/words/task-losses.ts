/** Interrupted tasks, in words. */
import { safeLine } from "../../base/text.js";
import type { TaskLoss } from "../../run/task-losses.js";

/** What happens to an interrupted task's work, worded for a run in progress. */
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

/** The same, worded for a run that is over. */
export function describePastLoss(loss: TaskLoss): string {
  return `Interrupted: ${describeLoss(loss)} It was ${PAST_OUTCOMES[loss.outcome]} (${safeLine(loss.code)}).`;
}
