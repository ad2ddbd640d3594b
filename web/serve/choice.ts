/**
 * Which runs are chosen for a comparison: kept while the list is paged, filtered and sorted, until the tab is closed. They are
 * in the address as well, so that a link or going back restores them.
 */

const KEY = "falcon-exp-chosen";

export function watchChoice(list: HTMLElement): void {
  const compare = list.querySelector<HTMLButtonElement>("button[type=submit]");
  const clear = list.querySelector<HTMLButtonElement>("[data-clear]");
  let chosen = read();
  const show = () => {
    for (const box of list.querySelectorAll<HTMLInputElement>("input[name=side]"))
      box.checked = chosen.has(box.value);
    const words = chosen.size === 0 ? "Compare selected" : `Compare ${chosen.size} selected`;
    // Written only if the text differs, because the list is watched for changes.
    if (compare !== null && compare.textContent !== words) compare.textContent = words;
    if (clear !== null) clear.hidden = chosen.size === 0;
    const address = withSides(chosen);
    if (address !== location.href) history.replaceState(null, "", address);
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
    // The form itself only knows the runs on this page.
    event.preventDefault();
    location.assign(
      `/compare?${new URLSearchParams([...chosen].map((side): [string, string] => ["side", side]))}`,
    );
  });
  // For when the list was rebuilt, or the page came back from the browser's memory.
  new MutationObserver(show).observe(list, { childList: true, subtree: true });
  addEventListener("pageshow", () => {
    chosen = read();
    choose(chosen);
  });
  choose(chosen);
}

function withSides(chosen: ReadonlySet<string>): string {
  const address = new URL(location.href);
  address.searchParams.delete("side");
  for (const side of chosen) address.searchParams.append("side", side);
  return address.href;
}

/** Reads the chosen runs from the address if it names any, otherwise from the tab's storage. */
function read(): Set<string> {
  const named = new URL(location.href).searchParams.getAll("side");
  if (named.length > 0) return new Set(named);
  try {
    const kept: unknown = JSON.parse(sessionStorage.getItem(KEY) ?? "[]");
    return new Set(Array.isArray(kept) ? kept.filter((one) => typeof one === "string") : []);
  } catch {
    return new Set();
  }
}
