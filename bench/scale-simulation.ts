/**
 * `npm run bench:scale-simulation`: simulates a sweep of 10,000 configurations over 500 nodes, event by event. The time that
 * falcon-exp and Slurm take for each step is first measured on this machine (needs root and an installed Slurm). How long a
 * configuration takes, which is printed, and how often nodes fail and tasks are preempted, is assumed. It tells what the cluster
 * waits for, and what following the run costs.
 */
import { uniformFloat64 } from "pure-rand/distribution/uniformFloat64";
import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";
import { type Costs, measureCosts } from "./scale/costs.js";
import { makeNormal } from "./simulation/simulate.js";

const CONFIGURATIONS = 10_000;
const TASKS = 1000;
const NODES = 500;
/** These values are assumed. */
const CONFIGURATION_SEC = 60;
const SPREAD = 0.5;
const FAILURES_PER_NODE_HOUR = 1 / 1000;
const PREEMPTIONS_PER_TASK_HOUR = 0.05;
/** The start of Python, torch and the first worker. */
const WORKER_START_SEC = 10;
/** The default of `--poll`, and how long Slurm makes a requeued task wait. */
const POLL_SEC = 20;
const REQUEUE_SEC = 120;
/** Slurm calls a node lost this many seconds after its last message (SlurmdTimeout's own default). */
const LOST_SEC = 300;

const costs = await measureCosts(CONFIGURATIONS, TASKS);
console.log(JSON.stringify(costs));
console.log(JSON.stringify(simulate(costs)));

function simulate({ submitSec, queueSec, lookSec, taskStartSec, taskEndSec, mergeSec, ...sizes }: Costs) {
  const random = xoroshiro128plus(7);
  const normal = makeNormal(7);
  const exponential = (perHour: number) => (-3600 * Math.log(1 - uniformFloat64(random))) / perHour;
  const each = sizes.configurations / sizes.tasks;
  /** Seconds of work of each task. A task that was cut off begins anew on another node. */
  const work = Array.from({ length: sizes.tasks }, () =>
    Array.from(
      { length: each },
      () => CONFIGURATION_SEC * Math.exp(SPREAD * normal() - SPREAD ** 2 / 2),
    ).reduce((sum, one) => sum + one, 0),
  );
  const ideal = work.reduce((sum, one) => sum + one, 0);
  const nodes = Array.from({ length: NODES }, () => submitSec);
  let busySec = 0;
  const counts = { lost_nodes: 0, preempted: 0, starts: 0 };
  const waiting = work.map((seconds) => ({ seconds, from: submitSec }));
  let end = 0;
  for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
    const free = nodes.indexOf(Math.min(...nodes));
    const begin = Math.max(nodes[free] ?? 0, next.from);
    const whole = WORKER_START_SEC + taskStartSec + next.seconds + taskEndSec;
    const failsAfter = exponential(FAILURES_PER_NODE_HOUR);
    const preemptedAfter = exponential(PREEMPTIONS_PER_TASK_HOUR);
    const cut = Math.min(failsAfter, preemptedAfter);
    counts.starts++;
    if (cut >= whole) {
      nodes[free] = begin + whole;
      busySec += whole;
      end = Math.max(end, begin + whole);
      continue;
    }
    const isLost = failsAfter < preemptedAfter;
    counts[isLost ? "lost_nodes" : "preempted"]++;
    busySec += cut;
    // A lost node comes back once it was called lost; the node of a preempted task serves others for the same time.
    nodes[free] = begin + cut + LOST_SEC;
    waiting.push({ seconds: next.seconds, from: begin + cut + (isLost ? LOST_SEC : 0) + REQUEUE_SEC });
  }
  const looks = Math.ceil(end / POLL_SEC);
  return {
    ...{ nodes: NODES, tasks: sizes.tasks, assumed_configuration_sec: CONFIGURATION_SEC, ...counts },
    hours_until_measured: round(end / 3600),
    hours_at_best: round(ideal / NODES / 3600),
    share_of_busy_time_that_measures: round(ideal / busySec),
    follower: {
      looks,
      processor_sec_per_look: round(lookSec + queueSec),
      share_of_a_core: round((looks * (lookSec + queueSec)) / end),
    },
    merge_sec: round(mergeSec),
    files: counts.starts * 4 + 20,
    record_gb: round(sizes.recordBytes / 1e9),
  };
}

function round(value: number): number {
  return Number(value.toPrecision(3));
}
