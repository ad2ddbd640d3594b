/** Which runs are chosen for a comparison: kept while pages are turned, filtered and sorted, until the tab is closed. */

const KEY = "falcon-exp-chosen";

export function watchChoice(list: HTMLElement): void {
  const compare = list.querySelector<HTMLButtonElement>("button[type=submit]");
  const clear = list.querySelector<HTMLButtonElement>("[data-clear]");
  let chosen = read();
  const show = () => {
    for (const box of list.querySelectorAll<HTMLInputElement>("input[name=side]"))
      box.checked = chosen.has(box.value);
    const words = chosen.size === 0 ? "Compare selected" : `Compare ${chosen.size} selected`;
    // Only where it says something else: the list is watched for changes.
    if (compare !== null && compare.textContent !== words) compare.textContent = words;
    if (clear !== null) clear.hidden = chosen.size === 0;
  };
  const choose = (next: Set<string>) => {
    chosen = next;
    sessionStorage.setItem(KEY, JSON.stringify([...chosen]));
    show();
  };
  list.addEventListener("change", ({ target }) => {
    if (!(target instanceof HTMLInputElement) || target.name !== "side") return;
    const next = new Set(chosen);
    if (target.checked) next.add(target.value);
    else next.delete(target.value);
    choose(next);
  });
  clear?.addEventListener("click", () => choose(new Set()));
  list.addEventListener("submit", (event) => {
    // The form knows those of this page alone.
    event.preventDefault();
    location.assign(
      `/compare?${new URLSearchParams([...chosen].map((side): [string, string] => ["side", side]))}`,
    );
  });
  // The list was made anew, or the page came back from the browser's memory.
  new MutationObserver(show).observe(list, { childList: true, subtree: true });
  addEventListener("pageshow", () => {
    chosen = read();
    show();
  });
  show();
}

function read(): Set<string> {
  try {
    const kept: unknown = JSON.parse(sessionStorage.getItem(KEY) ?? "[]");
    return new Set(Array.isArray(kept) ? kept.filter((one) => typeof one === "string") : []);
  } catch {
    return new Set();
  }
}
