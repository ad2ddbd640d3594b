import cliTruncate from "cli-truncate";
import pc from "picocolors";
import { formatBytes, formatSeconds } from "../base/units.js";
import { safeLine } from "../base/untrusted-text.js";
import type { RunEvent } from "../executor/events.js";
import { type LiveState, secondsLeft } from "./live-state.js";

type Colors = ReturnType<typeof pc.createColors>;

const BAR_CELLS = 20;

/** The lines that are rewritten while a run goes on; none is wider than `columns`. */
export function movingLines(
  state: LiveState,
  nowSec: number,
  style: { readonly columns: number; readonly color: boolean },
): string[] {
  const colors = pc.createColors(style.color);
  const share = state.trials === 0 ? 0 : state.trialsOver / state.trials;
  const filled = Math.round(share * BAR_CELLS);
  const bar = `${colors.cyan("█".repeat(filled))}${colors.dim("░".repeat(BAR_CELLS - filled))}`;
  const left = secondsLeft(state, nowSec);
  const times = [
    `${state.trialsOver}/${state.trials} trials`,
    formatSeconds(nowSec - state.startedSec),
    ...(left === null ? [] : [`about ${formatSeconds(Math.max(1, left))} left`]),
  ].join(" · ");
  const tokens = [
    state.outputTokens === null ? "" : `${state.outputTokens} tokens`,
    state.tokensPerSec === null ? "" : `${state.tokensPerSec.toFixed(1)} tokens/s`,
    state.outputTokens === null ? safeLine(state.detail) : "",
  ].filter((part) => part !== "");
  const place = state.configuration === 0 ? "" : `[${state.configuration}/${state.configurations}] `;
  const label = state.label === "" ? "" : `${colors.bold(safeLine(state.label))}: `;
  const [first = ""] = tokens;
  // "loading · loading: 0.61 GB in memory" would say it twice.
  const what = (first.startsWith(state.activity) ? tokens : [state.activity, ...tokens]).join(" · ");
  const stopping = state.isStopping ? [colors.yellow("stopping …")] : [];
  return [`${place}${label}${what}`, `${bar} ${times}`, ...stopping].map((line) =>
    cliTruncate(line, Math.max(10, style.columns - 1)),
  );
}

/** The line that stays for an event that matters; null for the others. `plain` adds what a terminal shows in motion. */
export function lastingLine(
  event: RunEvent,
  state: LiveState,
  nowSec: number,
  options: { readonly plain: boolean; readonly color: boolean },
): string | null {
  const colors = pc.createColors(options.color);
  const place = `[${state.configuration}/${state.configurations}] ${colors.bold(safeLine(state.label))}`;
  switch (event.type) {
    case "worker-starting":
      return options.plain ? "starting the worker" : null;
    case "worker-ready":
      return options.plain ? `worker ready after ${formatSeconds(event.elapsedSec)}` : null;
    case "configuration-started":
      return options.plain ? `${place}: loading` : null;
    case "configuration-loaded":
      return loadedLine(event, place, colors);
    case "trial-completed":
      return options.plain ? trialLine(event, place, state, nowSec) : null;
    case "trial-failed":
      return `${place}: ${colors.red(`trial ${event.trial.index + 1} failed`)}: ${event.failure.code}`;
    case "configuration-completed":
      return `${place}: ${colors.green("done")} in ${formatSeconds(event.elapsedSec)}`;
    case "configuration-failed": {
      const { label } = event.configuration.worker;
      const where = `[${event.configuration.index + 1}/${state.configurations}] ${colors.bold(safeLine(label))}`;
      const { code, message } = event.failure;
      return `${where}: ${colors.red(`failed: ${code}`)}: ${safeLine(message).slice(0, 300)}`;
    }
    case "stopping":
      return event.how === "now"
        ? `${event.reason}: ending now`
        : `${event.reason}: finishing this trial (again: end now)`;
    default:
      return null;
  }
}

function loadedLine(
  { load }: Extract<RunEvent, { type: "configuration-loaded" }>,
  place: string,
  colors: Colors,
): string {
  const { proof, load_sec } = load;
  const layers =
    proof.quantized_linear_layers === 0
      ? "not quantized"
      : `${proof.quantized_linear_layers}/${proof.linear_layers} linear layers quantized`;
  const offloaded = proof.offloaded ? colors.red(" (partly offloaded!)") : "";
  return `${place}: loaded in ${formatSeconds(load_sec)}, weights ${formatBytes(proof.weights_bytes)}, ${layers}${offloaded}`;
}

function trialLine(
  { trial, measurement }: Extract<RunEvent, { type: "trial-completed" }>,
  place: string,
  state: LiveState,
  nowSec: number,
): string {
  const rate = measurement.decode_tokens_per_sec;
  const left = secondsLeft(state, nowSec);
  return [
    `${place}: trial ${trial.index + 1}/${state.trialsHere} in ${formatSeconds(measurement.elapsed_sec)}`,
    ...(rate === null ? [] : [`${rate.toFixed(1)} tokens/s`]),
    ...(left === null ? [] : [`about ${formatSeconds(Math.max(1, left))} left`]),
  ].join(", ");
}
