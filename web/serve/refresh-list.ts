/** Fetches the list as it is now, and keeps what was chosen and where the focus is. A hidden page requests nothing. */
export async function refreshList(page: Document, list: HTMLElement): Promise<void> {
  if (page.hidden) return;
  const answer = await fetch(location.href).catch(() => null);
  if (answer === null || !answer.ok) return;
  const now = new DOMParser().parseFromString(await answer.text(), "text/html");
  const fresh = now.querySelector("#runs tbody");
  const old = list.querySelector("tbody");
  if (fresh === null || old === null) return;
  const chosen = new Set(
    Array.from(old.querySelectorAll<HTMLInputElement>("input:checked"), ({ value }) => value),
  );
  for (const input of fresh.querySelectorAll("input")) input.checked = chosen.has(input.value);
  const focused = old.contains(page.activeElement) ? buildSelector(page.activeElement) : null;
  const status = list.querySelector("[role=status]");
  if (status !== null) status.textContent = now.querySelector("#runs [role=status]")?.textContent ?? "";
  old.replaceWith(fresh);
  if (focused !== null) list.querySelector<HTMLElement>(focused)?.focus();
}

/** Shows the list as soon as there is one. */
export async function awaitRuns(page: Document): Promise<void> {
  if (page.hidden) return;
  const answer = await fetch(location.href).catch(() => null);
  if (answer?.ok !== true) return;
  const now = new DOMParser().parseFromString(await answer.text(), "text/html");
  if (now.querySelector("#runs") !== null) location.reload();
}

/** Returns a selector for the same element in a rebuilt list; null if it is neither a link nor an input. */
function buildSelector(element: Element | null): string | null {
  if (element instanceof HTMLAnchorElement)
    return `a[href="${CSS.escape(element.getAttribute("href") ?? "")}"]`;
  if (element instanceof HTMLInputElement) return `input[value="${CSS.escape(element.value)}"]`;
  return null;
}
