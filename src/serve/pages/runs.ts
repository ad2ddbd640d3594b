/** The list of runs: filtered, sorted and paged by the address alone, so that it works without a script. */
import { html } from "hono/html";
import { formatSeconds } from "../../base/units.js";
import { statusWords } from "../../render/terminal/run-list.js";
import { shownLabel } from "../../render/words/names.js";
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
const LONGEST_SEARCH = 200;
/** With more speeds, the row of a run with many configurations would be a page long. */
const MOST_SPEEDS = 4;

/** What the address asks for. */
export interface RunsQuery {
  /** Words that must all occur in the run's name, model, start time or configurations. */
  readonly search: string;
  readonly experiment: string;
  readonly status: string;
  readonly sort: Sort;
  readonly descending: boolean;
  /** 1-based. */
  readonly page: number;
}

/** Reads the query of the address; anything that it does not understand is ignored. */
export function runsQuery(query: Readonly<Record<string, string>>): RunsQuery {
  const sort = Object.hasOwn(SORTS, query.sort ?? "") ? (query.sort as Sort) : "started";
  return {
    search: (query.q ?? "").trim().slice(0, LONGEST_SEARCH),
    experiment: query.experiment ?? "",
    status: query.status ?? "",
    sort,
    descending: query.order === undefined ? sort === "started" : query.order === "desc",
    page: /^[1-9]\d{0,5}$/.test(query.page ?? "") ? Number(query.page) : 1,
  };
}

function address(query: RunsQuery, change: Partial<RunsQuery>): string {
  const { search, experiment, status, sort, descending, page } = { ...query, ...change };
  const parameters = new URLSearchParams({
    ...(search === "" ? {} : { q: search }),
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

export interface RunsPlace {
  readonly folder: string;
  /** The command with which the user calls falcon-exp. */
  readonly program: string;
}

export function runsPage(
  all: readonly RunIndexEntry[],
  query: RunsQuery,
  { folder, program }: RunsPlace,
): Html {
  if (all.length === 0) {
    return layout(
      "Runs",
      html`<h1>No runs yet</h1>
<div data-awaits-runs>
<p>No runs in <code>${text(folder)}</code> yet. Start one, and it appears here as soon as it begins:</p>
<pre>${text(program)} run experiments/quant.yaml</pre>
</div>`,
    );
  }
  const words = query.search.toLowerCase().split(/\s+/);
  const found = all.filter(
    (run) =>
      (query.experiment === "" || run.experiment === query.experiment) &&
      (query.status === "" || run.status === query.status) &&
      words.every((word) => searchedText(run).includes(word)),
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
<form action="/compare" method="get" id="runs" data-refresh>
<p class="bar chosen"><button type="submit">Compare selected</button> <button type="button" class="needs-script" data-clear hidden>Clear selection</button>
<span role="status">${found.length} of ${all.length} ${all.length === 1 ? "run" : "runs"}${running === 0 ? "" : `, ${running} running`}</span></p>
${pages(query, found.length)}
${shown.length === 0 ? html`<p>No runs match. <a href="/">Show all</a></p>` : runsTable(shown, query)}
${pages(query, found.length)}
</form>`,
  );
}

function searchedText({ path, model_name, started_at, configurations }: RunIndexEntry): string {
  const parts = [path, model_name ?? "", started_at ?? "", ...configurations.map(({ label }) => label)];
  return parts.join(" ").toLowerCase();
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
<label>Search <input type="search" name="q" value="${query.search}" autocomplete="off"></label>
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
    // People look for the newest, the longest and the fullest runs first.
    const descending = isChosen ? !query.descending : ["started", "trials", "took"].includes(sort);
    const mark = isChosen ? html`<span aria-hidden="true"> ${query.descending ? "▼" : "▲"}</span>` : "";
    return html`<th scope="col"${order}><a href="${address(query, { sort, descending, page: 1 })}">${HEADS[sort]}${mark}</a></th>`;
  });
  return html`<div class="scrolls" role="region" aria-label="Runs" tabindex="0"><table class="runs">
<thead><tr><th scope="col"><span class="unseen">Compare</span></th>${head}<th scope="col">Tokens/s</th></tr></thead>
<tbody>${runs.map(runRow)}</tbody>
</table></div>`;
}

function runRow(run: RunIndexEntry): Html {
  const isReadable = run.status !== "damaged";
  const isLive = run.status === "running";
  const name = text(run.path);
  const speeds = run.configurations.flatMap(({ label, median_decode_tokens_per_sec: rate }) =>
    rate === null ? [] : [html`<li>${text(shownLabel(label))} <b>${rate.toFixed(1)}</b></li>`],
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
<td data-head="Tokens/s">${speeds.length === 0 ? "–" : html`<ul class="speeds">${speeds.slice(0, MOST_SPEEDS)}${speeds.length > MOST_SPEEDS ? html`<li>and ${speeds.length - MOST_SPEEDS} more</li>` : ""}</ul>`}</td>
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
  return html`<nav aria-label="Pages of runs" class="bar">${link(query.page - 1, "← previous page")} page ${query.page} of ${count} ${link(query.page + 1, "next page →")}</nav>`;
}
