/** The page that follows a run: how far each configuration has come, and what was recorded, newest first. */
import { html } from "hono/html";
import { formatBytes, formatSeconds } from "../../base/units.js";
import { shortMemoryName } from "../../metrics/memory.js";
import { type LoadMetric, sortByPlace, type TrialMetric } from "../../metrics/metric.js";
import { LIST_METRICS, type ListKey, LOAD_LIST_METRICS, type LoadListKey } from "../../metrics/registry.js";
import { statusWords } from "../../render/terminal/run-list.js";
import { howLoaded } from "../../render/words/loaded.js";
import { FORMATS } from "../../render/words/metric-values.js";
import { shownLabel } from "../../render/words/names.js";
import { describeProofShare } from "../../render/words/quantized-share.js";
import type { FollowEnd } from "../../run/follow-records.js";
import type { Failure, RunFileRecord } from "../../run/record-types.js";
import type { ConfigurationProgress, RunProgress } from "../../run/run-progress.js";
import { addresses } from "./addresses.js";
import { type Html, layout, text } from "./layout.js";

/** `progress` and `lines` are the parts that events replace or add to. */
export function livePage(path: string, progress: Html, lines: readonly Html[]): Html {
  return layout(
    path,
    html`<h1>${text(path)}</h1>
<p class="bar"><a href="${addresses.report(path)}" data-report>Report so far</a> <span id="connection" role="status"></span></p>
<div id="progress">${progress}</div>
<h2>Event log, newest first (UTC)</h2>
<ol id="lines" class="lines" data-events="${addresses.events(path)}">${lines}</ol>
<noscript><p>Without scripts this page does not update: reload it.</p></noscript>`,
  );
}

/** `end`: null while the run is in progress. */
export function progressPart(progress: RunProgress, end: FollowEnd | null): Html {
  const configurations = progress.configurations();
  const isAlive = end === null && progress.end === null;
  const status = isAlive ? "running" : (progress.end?.status ?? (end === "removed" ? "removed" : "killed"));
  const [done, failed, planned] = (["trials_completed", "trials_failed", "trials_planned"] as const).map(
    (key) => configurations.reduce((sum, one) => sum + one[key], 0),
  );
  const over = (done ?? 0) + (failed ?? 0);
  const elapsed = progress.elapsedSec;
  return html`<p class="headline"><span class="status ${status}">${statusWords(status)}</span>
<progress max="${Math.max(1, planned ?? 0)}" value="${over}" aria-label="Trials"></progress>
<span>${done} of ${planned} trials${failed === 0 ? "" : html`, <span class="bad">${failed} failed</span>`}${elapsed === null ? "" : `, ${formatSeconds(elapsed)}`}${isAlive ? timeLeft(elapsed, over, planned ?? 0) : ""}</span>
<span>${text(progress.run?.plan.model_name ?? "nothing is recorded yet")}</span></p>
${endSentence(end)}
${configurations.length === 0 ? "" : configurationsTable(configurations, progress.current, isAlive)}`;
}

/** Estimated from the pace so far, loads included. Empty before the first trial is over, and if none is left. */
function timeLeft(elapsedSec: number | null, over: number, planned: number): string {
  if (elapsedSec === null || over === 0 || planned <= over) return "";
  return `, about ${formatSeconds((elapsedSec * (planned - over)) / over)} left`;
}

function endSentence(end: FollowEnd | null): Html | string {
  if (end === "writer-gone") {
    return html`<p class="bad">The measuring process stopped without recording its end. What it had measured is kept.</p>`;
  }
  return end === "removed" ? html`<p class="bad">The records are gone, or were replaced.</p>` : "";
}

function configurationsTable(
  configurations: readonly ConfigurationProgress[],
  current: string | null,
  isAlive: boolean,
): Html {
  const figures = listFigures(configurations);
  const rows = configurations.map((one) => {
    const isBetween = one.id !== current;
    const status = one.status !== "interrupted" || !isAlive ? one.status : isBetween ? "waiting" : "running";
    return html`<tr>
<th scope="row" data-head="Configuration">${text(shownLabel(one.label))}${one.is_reference ? html` <span title="the reference">*</span>` : ""}</th>
<td data-head="Status"><span class="status ${status}">${statusWords(status)}</span>${one.problem === null ? "" : html` <span class="bad">${text(one.problem)}</span>`}</td>
<td data-head="Trials" class="number"><progress max="${one.trials_planned}" value="${one.trials_completed + one.trials_failed}"></progress> ${one.trials_completed}/${one.trials_planned}</td>
${figures.map(
  ({ head, cell }) => html`<td data-head="${head}" class="number">${cell(one)}</td>
`,
)}</tr>`;
  });
  const heads = ["Configuration", "Status", "Trials", ...figures.map(({ head }) => head)];
  return html`<table><caption>Medians${isAlive ? " so far" : ""}; * is the reference.</caption>
<thead><tr>${heads.map((head) => html`<th scope="col">${head}</th>`)}</tr></thead>
<tbody>${rows}</tbody></table>`;
}

interface Figure {
  readonly head: string;
  readonly cell: (configuration: ConfigurationProgress) => string;
}

/** The metrics that lists of runs show, in the order of the table of results. */
function listFigures(configurations: readonly ConfigurationProgress[]): readonly Figure[] {
  const memory = configurations.find(({ memory_metric }) => memory_metric !== null)?.memory_metric ?? null;
  const listed: readonly (TrialMetric | LoadMetric)[] = [...LOAD_LIST_METRICS, ...LIST_METRICS];
  return sortByPlace(listed, ({ shown }) => shown?.result?.place ?? true).flatMap((metric) => {
    const { key, shown, unit } = metric;
    if (shown === undefined || unit === null) return [];
    const read = (one: ConfigurationProgress) =>
      "from" in metric ? one[key as LoadListKey] : one[`median_${key as ListKey}`];
    if (shown.isOptional && configurations.every((one) => read(one) === null)) return [];
    const format = shown.result?.format ?? FORMATS[unit];
    const name = "sources" in metric ? shortMemoryName(memory) : shown.title;
    return [
      {
        head: name.charAt(0).toUpperCase() + name.slice(1),
        cell: (one) => {
          const value = read(one);
          return value === null ? "–" : format(value);
        },
      },
    ];
  });
}

/** One record as a line; null for a record that means nothing to a person watching. */
export function recordLine(record: RunFileRecord): Html | null {
  const content = describeRecord(record);
  if (content === null) return null;
  const isBad = "failure" in record;
  const at = html`<time datetime="${record.at}">${text(record.at.slice(11, 19))}</time>`;
  const who = "configuration" in record ? html` <b>${text(shownLabel(record.configuration))}</b>` : "";
  const reused = "reused_from" in record ? (record.reused_from ?? null) : null;
  const from = reused === null ? "" : ` (reused from ${text(reused.run_id)})`;
  return html`<li${isBad ? html` class="failed"` : ""}>${at}${who} ${content}${from}</li>`;
}

function describeRecord(record: RunFileRecord): Html | string | null {
  if ("failure" in record) return failureText(record.kind, record.failure);
  switch (record.kind) {
    case "run":
      return `started: ${text(record.plan.experiment)}, ${record.configurations.length} configurations`;
    case "resume":
      return `resumed: ${record.trials_left} trials left`;
    case "environment":
      return `the worker is ready on ${text(record.environment.cpu_model ?? "this machine")}`;
    case "load": {
      const { load_sec, proof } = record.load;
      return [
        howLoaded(load_sec),
        `weights ${formatBytes(proof.weights_bytes)}`,
        `${proof.quantized_linear_layers} of ${proof.linear_layers} linear layers quantized`,
        ...describeProofShare(proof).map(text),
      ].join(", ");
    }
    case "trial": {
      if (record.status !== "completed") return null;
      const { elapsed_sec, decode_tokens_per_sec: rate } = record.measurement;
      return `${text(record.prompt_id)}: ${formatSeconds(elapsed_sec)}${rate === null ? "" : `, ${rate.toFixed(1)} tokens/s`}`;
    }
    case "quality":
      return `scored the text ${text(record.text_id)}`;
    case "lm_eval":
      return "lm-eval's tasks are done";
    case "configuration": {
      const reason = "reason" in record ? `: ${text(record.reason)}` : "";
      return `${record.status}${reason}, ${record.trials_completed} of ${record.trials_planned} trials`;
    }
    case "run_end":
      return `ended: ${statusWords(record.status)}, after ${formatSeconds(record.elapsed_sec)}`;
    default:
      return null;
  }
}

function failureText(kind: string, { code, message, next }: Failure): Html {
  return html`<strong>${kind} failed: ${text(code)}</strong><br>${text(message).slice(0, 1000)}<br><span class="next">next: ${text(next)}</span>`;
}
