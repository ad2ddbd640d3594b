/** The list of runs: filtered, sorted and paged by the address alone, so that it works without a script. */
import { html } from "hono/html";
import { formatSeconds } from "../../base/units.js";
import { statusWords } from "../../render/terminal/run-list.js";
import { ageKey, type RunIndexEntry } from "../../run/run-index.js";
import { addresses } from "./addresses.js";
import { type Html, layout, text } from "./layout.js";

const SORTS = {
  started: ageKey,
  run: ({ path }: RunIndexEntry) => path,
  status: ({ status }: RunIndexEntry) => status,
  trials: ({ trials_completed }: RunIndexEntry) => trials_completed ?? -1,
  took: ({ elapsed_sec }: RunIndexEntry) => elapsed_sec ?? -1,
  model: ({ model_name }: RunIndexEntry) => model_name ?? "",
} as const;
type Sort = keyof typeof SORTS;

const HEADS: Readonly<Record<Sort, string>> = {
  run: "Run",
  started: "Started (UTC)",
  status: "Status",
  trials: "Trials",
  took: "Took",
  model: "Model",
};

export const RUNS_PER_PAGE = 100;

/** What the address asks for. */
export interface RunsQuery {
  readonly experiment: string;
  readonly status: string;
  readonly sort: Sort;
  readonly descending: boolean;
  /** From 1. */
  readonly page: number;
}

/** Anything that is not understood is as if it were not there. */
export function runsQuery(query: Readonly<Record<string, string>>): RunsQuery {
  const sort = Object.hasOwn(SORTS, query.sort ?? "") ? (query.sort as Sort) : "started";
  return {
    experiment: query.experiment ?? "",
    status: query.status ?? "",
    sort,
    descending: query.order === undefined ? sort === "started" : query.order === "desc",
    page: /^[1-9]\d{0,5}$/.test(query.page ?? "") ? Number(query.page) : 1,
  };
}

function address(query: RunsQuery, change: Partial<RunsQuery>): string {
  const { experiment, status, sort, descending, page } = { ...query, ...change };
  const parameters = new URLSearchParams({
    ...(experiment === "" ? {} : { experiment }),
    ...(status === "" ? {} : { status }),
    sort,
    order: descending ? "desc" : "asc",
    ...(page === 1 ? {} : { page: String(page) }),
  });
  return `/?${parameters}`;
}

function compared(a: string | number, b: string | number): number {
  return typeof a === "number" && typeof b === "number" ? a - b : String(a).localeCompare(String(b), "en");
}

export function runsPage(all: readonly RunIndexEntry[], query: RunsQuery, folder: string): Html {
  if (all.length === 0) {
    return layout(
      "Runs",
      html`<h1>No runs yet</h1>
<p>There are none in <code>${text(folder)}</code>. Measure something, and it stands here as soon as it begins:</p>
<pre>falcon-exp run experiments/quant.yaml</pre>`,
    );
  }
  const found = all.filter(
    ({ experiment, status }) =>
      (query.experiment === "" || experiment === query.experiment) &&
      (query.status === "" || status === query.status),
  );
  const sorted = found.toSorted(
    (a, b) => compared(SORTS[query.sort](a), SORTS[query.sort](b)) * (query.descending ? -1 : 1),
  );
  const shown = sorted.slice((query.page - 1) * RUNS_PER_PAGE, query.page * RUNS_PER_PAGE);
  const running = all.filter(({ status }) => status === "running").length;
  return layout(
    "Runs",
    html`<h1>Runs</h1>
${filters(all, query)}
<form action="/compare" method="get" id="runs" ${running > 0 ? html`data-refresh` : ""}>
<p class="bar"><button type="submit">Compare the chosen</button>
<span role="status">${found.length} of ${all.length} ${all.length === 1 ? "run" : "runs"}${running === 0 ? "" : `, ${running} running`}</span></p>
${shown.length === 0 ? html`<p>None matches. <a href="/">Show all</a></p>` : runsTable(shown, query)}
${pages(query, found.length)}
</form>`,
  );
}

function filters(all: readonly RunIndexEntry[], query: RunsQuery): Html {
  const options = (values: readonly string[], chosen: string) =>
    [...new Set(values)]
      .sort()
      .map(
        (value) =>
          html`<option value="${value}"${value === chosen ? html` selected` : ""}>${text(statusWords(value))}</option>`,
      );
  return html`<form method="get" action="/" class="bar" data-instant>
<label>Experiment <select name="experiment"><option value="">all</option>${options(
    all.map(({ experiment }) => experiment),
    query.experiment,
  )}</select></label>
<label>Status <select name="status"><option value="">all</option>${options(
    all.map(({ status }) => status),
    query.status,
  )}</select></label>
<input type="hidden" name="sort" value="${query.sort}"><input type="hidden" name="order" value="${query.descending ? "desc" : "asc"}">
<button type="submit">Filter</button>
</form>`;
}

function runsTable(runs: readonly RunIndexEntry[], query: RunsQuery): Html {
  const head = (Object.keys(HEADS) as Sort[]).map((sort) => {
    const isChosen = sort === query.sort;
    const order = isChosen ? html` aria-sort="${query.descending ? "descending" : "ascending"}"` : "";
    // The newest, longest and fullest are looked for first.
    const descending = isChosen ? !query.descending : ["started", "trials", "took"].includes(sort);
    const mark = isChosen ? html`<span aria-hidden="true"> ${query.descending ? "▼" : "▲"}</span>` : "";
    return html`<th scope="col"${order}><a href="${address(query, { sort, descending, page: 1 })}">${HEADS[sort]}${mark}</a></th>`;
  });
  return html`<table class="runs">
<thead><tr><th scope="col"><span class="unseen">Compare</span></th>${head}<th scope="col">Tokens/s</th></tr></thead>
<tbody>${runs.map(runRow)}</tbody>
</table>`;
}

function runRow(run: RunIndexEntry): Html {
  const isReadable = run.status !== "damaged";
  const isLive = run.status === "running";
  const name = text(run.path);
  const speeds = run.configurations.flatMap(({ label, median_decode_tokens_per_sec: rate }) =>
    rate === null ? [] : [html`<li>${text(label)} <b>${rate.toFixed(1)}</b></li>`],
  );
  const link = html`<a href="${isLive ? addresses.live(run.path) : addresses.report(run.path)}">${name}</a>`;
  const choice = html`<input type="checkbox" name="side" value="${run.path}" aria-label="Compare ${name}">`;
  const progress =
    run.trials_planned === null
      ? "–"
      : html`${isLive ? html`<progress max="${run.trials_planned}" value="${run.trials_completed ?? 0}"></progress> ` : ""}${run.trials_completed}/${run.trials_planned}${(run.trials_failed ?? 0) === 0 ? "" : html` <span class="bad">${run.trials_failed} failed</span>`}`;
  return html`<tr>
<td data-head="Compare">${isReadable ? choice : ""}</td>
<th scope="row" data-head="Run">${isReadable || isLive ? link : name}</th>
<td data-head="Started">${startedText(run)}</td>
<td data-head="Status"><span class="status ${run.status}">${statusWords(run.status)}</span>${run.problem === null ? "" : html` <span class="bad">${text(run.problem)}</span>`}</td>
<td data-head="Trials" class="number">${progress}</td>
<td data-head="Took" class="number">${run.elapsed_sec === null ? "–" : formatSeconds(run.elapsed_sec)}</td>
<td data-head="Model">${text(run.model_name ?? "–")}</td>
<td data-head="Tokens/s">${speeds.length === 0 ? "–" : html`<ul class="speeds">${speeds}</ul>`}</td>
</tr>`;
}

/** `2026-11-24 12:03`. */
function startedText({ started_at }: RunIndexEntry): string {
  return started_at === null ? "–" : text(started_at.slice(0, 16).replace("T", " "));
}

function pages(query: RunsQuery, found: number): Html | string {
  const count = Math.ceil(found / RUNS_PER_PAGE);
  if (count <= 1) return "";
  const link = (page: number, word: string) =>
    page < 1 || page > count ? "" : html`<a href="${address(query, { page })}">${word}</a>`;
  return html`<nav aria-label="More runs" class="bar">${link(query.page - 1, "← previous page")} page ${query.page} of ${count} ${link(query.page + 1, "next page →")}</nav>`;
}
