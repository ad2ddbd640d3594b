import cliTruncate from "cli-truncate";
import pc from "picocolors";
import stringWidth from "string-width";
import { findInterference } from "../../analysis/interference.js";
import { pluralize, safeLine } from "../../base/text.js";
import { formatBytes, formatSeconds } from "../../base/units.js";
import type { RunEvent } from "../../run/events.js";
import { type LiveState, secondsLeft } from "../../run/live-state.js";
import { describeAdapter } from "../words/adapter.js";
import { describeInterference } from "../words/interference.js";
import { howLoaded } from "../words/loaded.js";
import { shownLabel } from "../words/names.js";
import { describeProofShare } from "../words/quantized-share.js";

type Colors = ReturnType<typeof pc.createColors>;

const BAR_CELLS = 20;
const SHORTEST_BAR = 5;

export interface LineStyle {
  readonly columns: number;
  readonly color: boolean;
}

/** Returns the lines that are rewritten while a run is in progress; none is wider than `columns`. */
export function formatStatusLines(state: LiveState, nowSec: number, style: LineStyle): string[] {
  const colors = pc.createColors(style.color);
  // The last column stays free: some terminals wrap as soon as it is written to.
  const room = Math.max(10, style.columns - 1);
  const stopping = state.isStopping ? [colors.yellow("stopping …")] : [];
  return [activityLine(state, room, colors), progressLine(state, nowSec, room, colors), ...stopping].map(
    (line) => cliTruncate(line, room),
  );
}

/** `[2/3] int8: trial 4 of 5 · 17 tokens · 5.2 tokens/s`; with less room it drops the tokens, then the label, never the rate. */
function activityLine(state: LiveState, room: number, colors: Colors): string {
  const place = state.configuration === 0 ? "" : `[${state.configuration}/${state.configurations}] `;
  const label = state.label === "" ? "" : `${colors.bold(shownLabel(state.label))}: `;
  const tokens = state.outputTokens === null ? [] : [`${state.outputTokens} tokens`];
  const rate = state.tokensPerSec === null ? [] : [`${state.tokensPerSec.toFixed(1)} tokens/s`];
  const detail = safeLine(state.detail);
  const details = state.outputTokens === null && detail !== "" ? [detail] : [];
  // "loading · loading: 0.61 GB in memory" would say it twice.
  const activity = details[0]?.startsWith(state.activity) ? [] : [state.activity];
  const candidates = [
    place + label + [...activity, ...tokens, ...rate, ...details].join(" · "),
    place + label + [...activity, ...rate, ...details].join(" · "),
    place + [...activity, ...rate, ...details].join(" · "),
  ];
  return candidates.find((line) => stringWidth(line) <= room) ?? candidates[0] ?? "";
}

/** `█████░░░░░ 5/15 trials · 52.9 s · about 1 min 32 s left`; with less room a shorter bar, then none, then fewer words. */
function progressLine(state: LiveState, nowSec: number, room: number, colors: Colors): string {
  const left = timeLeft(state, nowSec);
  const count = `${state.trialsOver}/${state.trials}`;
  const elapsed = formatSeconds(nowSec - state.startedSec);
  const rest = left === null ? [] : [left];
  const candidates = [
    [`${count} trials`, elapsed, ...rest.map((text) => `about ${text}`)],
    [count, elapsed, ...rest],
    [count, ...rest],
  ].map((parts) => parts.join(" · "));
  const times = candidates.find((line) => line.length <= room) ?? candidates[0] ?? "";
  const cells = Math.min(BAR_CELLS, room - times.length - 1);
  if (cells < SHORTEST_BAR) return times;
  const filled = Math.round((state.trials === 0 ? 0 : state.trialsOver / state.trials) * cells);
  return `${colors.cyan("█".repeat(filled))}${colors.dim("░".repeat(cells - filled))} ${times}`;
}

/** `48 s left`, in whole seconds because it is a guess. Null if there is nothing to guess from yet, or nothing left. */
function timeLeft(state: LiveState, nowSec: number): string | null {
  const left = secondsLeft(state, nowSec);
  if (left === null || left === 0) return null;
  return `${left < 59.5 ? `${Math.max(1, Math.round(left))} s` : formatSeconds(left)} left`;
}

/** Returns the permanent line for an event, or null if it gets none. `plain` adds what a terminal shows in the moving lines. */
export function formatLogLine(
  event: RunEvent,
  state: LiveState,
  nowSec: number,
  options: { readonly plain: boolean; readonly color: boolean },
): string | null {
  const colors = pc.createColors(options.color);
  const placeOf = (label: string) =>
    `[${state.configuration}/${state.configurations}] ${colors.bold(shownLabel(label))}`;
  const place = placeOf(state.label);
  switch (event.type) {
    case "worker-starting":
      return options.plain ? "starting the worker" : null;
    case "worker-ready": {
      const remarks = describeInterference(findInterference(event.environment, event.devices));
      const warnings = remarks.map((remark) => colors.yellow(`warning: ${remark}`));
      const ready = options.plain ? [`worker ready after ${formatSeconds(event.elapsedSec)}`] : [];
      const lines = [...ready, ...warnings];
      return lines.length === 0 ? null : lines.join("\n");
    }
    case "configuration-started":
      return options.plain ? `${place}: loading` : null;
    case "configuration-loaded":
      return loadedLine(event, place, colors);
    case "ratios-uncertain":
      return `${describeUncertainty(event.uncertainty)}: loading ${pluralize(event.sessions.length, "configuration")} again`;
    case "rounds-joined":
      return `${place}: loading takes longer than its trials, so one load measures all of them`;
    case "trial-completed":
      return options.plain ? trialLine(event, place, state, nowSec) : null;
    case "trial-disturbed":
      return `${place}: trial ${state.trialsOverHere + 1} ${colors.yellow("was disturbed")} (${event.disturbances.join("; ")}): measured again`;
    case "disturbed-again":
      return `${place}: ${pluralize(event.trials, "disturbed trial")} measured once more`;
    case "trial-failed":
      return `${place}: ${colors.red(`trial ${state.trialsOverHere} failed`)}: ${safeLine(event.failure.code)}`;
    case "configuration-completed":
      return `${place}: ${colors.green("done")} in ${formatSeconds(event.elapsedSec)}`;
    case "configuration-failed": {
      const where = placeOf(event.configuration.worker.label);
      const { code, message } = event.failure;
      return `${where}: ${colors.red(`failed: ${safeLine(code)}`)}: ${safeLine(message).slice(0, 300)}`;
    }
    case "configuration-retried":
      return `${place}: ${colors.yellow("trying again")} (attempt ${event.attempt}) after ${safeLine(event.failure.code)}`;
    case "configuration-skipped": {
      const where = placeOf(event.configuration.worker.label);
      return `${where}: ${colors.yellow("skipped")}: ${safeLine(event.reason)}`;
    }
    case "measurement-started":
      return options.plain ? `${place}: ${safeLine(event.what)}` : null;
    case "measurement-failed":
      return `${place}: ${colors.red(`${safeLine(event.what)} failed`)}: ${safeLine(event.failure.code)}: ${safeLine(event.failure.message).slice(0, 300)}`;
    case "reused":
      return `${colors.bold(shownLabel(event.configuration.worker.label))}: ${colors.green("reused")} from ${safeLine(`${event.from.experiment}/${event.from.run_id}`)}`;
    case "not-reused":
      return `${colors.bold(shownLabel(event.configuration.worker.label))}: not reused: ${safeLine(event.reason)}`;
    case "rescoring":
      return `the reference is loaded again to score ${safeLine(event.textIds.join(", "))}: its stored log-probabilities are gone`;
    case "stopping":
      return event.how === "now"
        ? `${event.reason}: ending now`
        : `${event.reason}: finishing this trial (interrupt again to stop now)`;
    default:
      return null;
  }
}

function describeUncertainty(uncertainty: number): string {
  return Number.isFinite(uncertainty)
    ? `speeds can only be compared to within a factor of ${(1 + uncertainty).toFixed(2)}`
    : "all trials of one load were disturbed";
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
  const share = describeProofShare(proof).map((text) => colors.yellow(`, ${safeLine(text)}`));
  const adapter = describeAdapter(proof);
  const adapted = adapter === null ? "" : `, adapter ${adapter}`;
  const offloaded = proof.offloaded ? colors.red(" (partly offloaded!)") : "";
  return `${place}: ${howLoaded(load_sec)}, weights ${formatBytes(proof.weights_bytes)}, ${layers}${adapted}${share.join("")}${offloaded}`;
}

function trialLine(
  { measurement }: Extract<RunEvent, { type: "trial-completed" }>,
  place: string,
  state: LiveState,
  nowSec: number,
): string {
  const rate = measurement.decode_tokens_per_sec;
  const left = timeLeft(state, nowSec);
  return [
    `${place}: trial ${state.trialsOverHere}/${state.trialsHere} in ${formatSeconds(measurement.elapsed_sec)}`,
    ...(rate === null ? [] : [`${rate.toFixed(1)} tokens/s`]),
    ...(left === null ? [] : [`about ${left}`]),
  ].join(", ");
}
