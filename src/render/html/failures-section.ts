/** What failed, why, and what to do next. */

import { pluralize } from "../../base/text.js";
import type { Failure } from "../../run/record-types.js";
import { type ConfigurationData, isWhole, type RunData } from "../../run/run-data.js";
import { recordedName, shownName } from "../words/names.js";
import { describeStatus } from "../words/status.js";
import { describePastLoss } from "../words/task-losses.js";
import { html, type Markup } from "./markup.js";

/** Trials that failed with the same code and message. If there are many, only the first ones are listed. */
interface FailedTrials {
  readonly failure: Failure;
  readonly runs: number[];
}

export function hasFailures({ configurations }: RunData): boolean {
  return !configurations.every(isWhole);
}

/** `note`: says which part of the run is not in `data`; null if all of it is. */
export function failuresSection(data: RunData, note: string | null): Markup {
  const cards = data.configurations.flatMap((configuration) => {
    if (isWhole(configuration)) return [];
    const { id } = configuration.plan.worker;
    const name = shownName(recordedName(configuration));
    return [
      html`<article class="card" data-configuration="${id}"><h3><bdi>${name}</bdi></h3>${renderBody(configuration)}</article>`,
    ];
  });
  const nothing = note === null ? "Nothing failed." : "None of the configurations shown failed.";
  return html`<section id="failures" aria-labelledby="failures-h">
<h2 id="failures-h">Failures</h2>
${cards.length === 0 ? html`<p class="good">✓ ${nothing}</p>` : html`<div class="cards wide">${cards}</div>`}
${taskLosses(data)}
</section>`;
}

/** An interrupted task need not have failed: in most cases its work was measured again. */
function taskLosses({ taskLosses: losses }: RunData): Markup | null {
  if (losses.length === 0) return null;
  return html`<h3>Interrupted tasks</h3>
<ul>${losses.map((loss) => html`<li>${describePastLoss(loss)}</li>`)}</ul>`;
}

function renderBody(configuration: ConfigurationData): Markup[] {
  const { outcome, status } = configuration;
  const parts: Markup[] = [];
  if (outcome?.status === "failed") parts.push(failureText(outcome.failure, "The configuration failed"));
  else if (status !== "completed") parts.push(html`<p class="bad">✗ ${describeStatus(configuration)}</p>`);
  const byCause = new Map<string, FailedTrials>();
  for (const trial of configuration.trials) {
    if (trial.status !== "failed") continue;
    const key = `${trial.failure.code} ${trial.failure.message}`;
    const group = byCause.get(key) ?? { failure: trial.failure, runs: [] };
    group.runs.push(trial.trial_index + 1);
    byCause.set(key, group);
  }
  for (const { failure, runs } of byCause.values()) {
    const some = runs.slice(0, 20).join(", ");
    parts.push(
      failureText(
        failure,
        `${pluralize(runs.length, "trial")} failed (trial ${some}${runs.length > 20 ? ", …" : ""})`,
      ),
    );
  }
  const extras = [
    ...configuration.quality.map((record) => ({ name: `Text ${record.text_id}`, record })),
    { name: "lm-eval", record: configuration.lmEval },
    { name: "Profile", record: configuration.profile },
  ];
  for (const { name, record } of extras) {
    if (record?.status === "failed") parts.push(failureText(record.failure, `${name} failed`));
  }
  return parts;
}

const LONGEST_MESSAGE = 2_000;

function failureText(failure: Failure, what: string): Markup {
  const { code, message, next, phase, exit_code, signal, stderr_tail, traceback } = failure;
  const circumstances = [
    phase === null ? null : `while: ${phase}`,
    exit_code === null ? null : `exit code ${exit_code}`,
    signal === null ? null : `signal ${signal}`,
  ].filter((part) => part !== null);
  return html`<div class="failure">
<p class="bad">✗ ${what}: <code>${code}</code>${circumstances.length > 0 && ` (${circumstances.join(", ")})`}</p>
<p class="pre">${message.slice(0, LONGEST_MESSAGE)}</p>
<p><strong>Next:</strong> ${next}</p>
${unfolding("The worker's last lines", stderr_tail.join("\n"))}
${unfolding("Traceback", traceback ?? "")}
</div>`;
}

const LONGEST_DETAIL = 20_000;

function unfolding(title: string, text: string): Markup | null {
  return text.trim() === ""
    ? null
    : html`<details><summary>${title}</summary><pre tabindex="0">${text.slice(-LONGEST_DETAIL)}</pre></details>`;
}
