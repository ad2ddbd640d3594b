const MOST_LINES = 300;

/** Shows what the server reports about a run until it ends, in `lines` and in the page around them. */
export function followRun(page: Document, lines: HTMLElement): void {
  const progress = page.querySelector("#progress");
  const connection = page.querySelector("#connection");
  const events = new EventSource(lines.dataset.events ?? "");
  const say = (words: string) => {
    if (connection !== null) connection.textContent = words;
  };
  const on = (kind: string, act: (data: string) => void) =>
    events.addEventListener(kind, ({ data }: MessageEvent<string>) => act(data));
  events.addEventListener("open", () => say("following"));
  events.addEventListener("error", () => say("connection lost; reconnecting"));
  on("progress", (markup) => {
    if (progress !== null) progress.innerHTML = markup;
  });
  on("lines", (markup) => {
    lines.innerHTML = markup;
  });
  on("line", (markup) => {
    lines.insertAdjacentHTML("afterbegin", markup);
    while (lines.children.length > MOST_LINES) lines.lastElementChild?.remove();
  });
  on("end", () => {
    events.close();
    say("the run has ended");
    const report = page.querySelector("[data-report]");
    if (report !== null) report.textContent = "Report";
  });
  on("problem", (words) => {
    events.close();
    say(words);
  });
  addEventListener("pagehide", () => events.close());
}
