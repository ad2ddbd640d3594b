/** How to run the same experiment again, and the hashes that show whether its inputs were the same. */
import type { RunData } from "../../run/run-data.js";
import { shownName } from "../words/names.js";
import { folded } from "./folded.js";
import { html, type Markup } from "./markup.js";

export function againSection({ run, configurations }: RunData): Markup {
  const commit = run.controller.git_commit;
  const folder = `results/${run.plan.experiment}/${run.run_id}`;
  const overrides = run.plan.overrides.flatMap((override) => ["--set", override]);
  const command = ["falcon-exp", "run", `${folder}/experiment.yaml`, ...overrides];
  return folded(
    "again",
    "Run it again",
    html`<div class="command"><pre tabindex="0"><code>${command.map(shellWord).join(" ")}</code></pre>
<button type="button" class="needs-script" data-copy>Copy</button></div>
<p class="quiet">experiment.yaml is the original file; relative paths in it resolve from its original folder. Measured by falcon-exp ${run.falcon_exp_version}${commit !== null && html`, in a repository at <code>${commit}</code>`}.</p>
<p>To draw this page again from the records, without measuring: <code>${["falcon-exp", "report", folder].map(shellWord).join(" ")}</code></p>
<h3>Identities</h3>
<p class="quiet">Equal inputs have equal hashes. The inputs are model, quantization, dtype, generation settings, prompts and worker code; the identity also covers library versions.</p>
<div class="scrolls" role="region" aria-label="Identities" tabindex="0"><table class="identities">
<thead><tr><th scope="col">configuration</th><th scope="col">inputs</th><th scope="col">identity</th></tr></thead>
<tbody>${configurations.map(
      ({ plan, load }) =>
        html`<tr data-configuration="${plan.worker.id}"><th scope="row"><bdi>${shownName({ label: plan.worker.label, axes: plan.axes, dtype: load?.load.proof.dtype ?? null })}</bdi></th><td><code>${plan.inputs_sha256}</code></td><td><code>${load?.identity_sha256 ?? "–"}</code></td></tr>`,
    )}</tbody>
</table></div>`,
  );
}

/** Quotes the word for a POSIX shell if it needs quoting. */
export function shellWord(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}
