/**
 * All that the local pages do by themselves: choose a filter at once, follow a run, keep the list fresh while one runs. Markup comes from the
 * server, escaped there.
 */

const REFRESH_MS = 10_000;

for (const form of document.querySelectorAll("form[data-instant]")) {
  form.addEventListener("change", () => form.requestSubmit());
}

const lines = document.querySelector("#lines[data-events]");
if (lines !== null) follow(lines);

const list = document.querySelector("form[data-refresh]");
if (list !== null) setInterval(() => refresh(list), REFRESH_MS);

/** Shows what the server tells of a run until its end. */
function follow(lines) {
  const MOST_LINES = 300;
  const progress = document.querySelector("#progress");
  const connection = document.querySelector("#connection");
  const events = new EventSource(lines.dataset.events);
  const say = (words) => {
    connection.textContent = words;
  };
  events.addEventListener("open", () => say("following"));
  events.addEventListener("error", () => say("the connection is lost; trying again"));
  events.addEventListener("progress", ({ data }) => {
    progress.innerHTML = data;
  });
  events.addEventListener("lines", ({ data }) => {
    lines.innerHTML = data;
  });
  events.addEventListener("line", ({ data }) => {
    lines.insertAdjacentHTML("afterbegin", data);
    while (lines.children.length > MOST_LINES) lines.lastElementChild.remove();
  });
  events.addEventListener("end", () => {
    events.close();
    say("the run is over");
  });
  events.addEventListener("problem", ({ data }) => {
    events.close();
    say(data);
  });
  addEventListener("pagehide", () => events.close());
}

/** Takes the list as it is now; what was chosen, and where the keyboard is, stays. A hidden page asks for nothing. */
async function refresh(list) {
  if (document.hidden) return;
  const answer = await fetch(location.href).catch(() => null);
  if (answer === null || !answer.ok) return;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const fresh = page.querySelector("#runs tbody");
  const old = list.querySelector("tbody");
  if (fresh === null || old === null) return;
  const chosen = new Set(Array.from(old.querySelectorAll("input:checked"), ({ value }) => value));
  for (const input of fresh.querySelectorAll("input")) input.checked = chosen.has(input.value);
  const focused = old.contains(document.activeElement) ? document.activeElement : null;
  const selector =
    focused?.tagName === "A"
      ? `a[href="${CSS.escape(focused.getAttribute("href"))}"]`
      : focused && `input[value="${CSS.escape(focused.value)}"]`;
  const status = page.querySelector("#runs [role=status]");
  list.querySelector("[role=status]").textContent = status?.textContent ?? "";
  old.replaceWith(fresh);
  if (selector) list.querySelector(selector)?.focus();
}
