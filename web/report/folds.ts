/** What is folded until it is asked for: long answers, and the sections at the end. */

export function watchFolds(page: Document): void {
  for (const button of page.querySelectorAll<HTMLButtonElement>("[data-unfold]")) {
    button.addEventListener("click", () => {
      const isOpen = button.getAttribute("aria-expanded") !== "true";
      button.setAttribute("aria-expanded", String(isOpen));
      button.textContent = isOpen ? "Show less" : "Show all";
      button.parentElement?.querySelector(".said")?.classList.toggle("unfolded", isOpen);
    });
  }
}

/** A link to a folded section, or into one, opens it. */
export function watchLinks(page: Document): void {
  const open = (hash: string) => {
    const target = hash === "" ? null : page.getElementById(decodeURIComponent(hash.slice(1)));
    const fold =
      target?.querySelector<HTMLDetailsElement>(":scope > details.folded") ?? target?.closest("details");
    if (fold !== null && fold !== undefined) fold.open = true;
  };
  // Also where the address already has it and does not change.
  page.addEventListener("click", ({ target }) => {
    const link = target instanceof Element ? target.closest<HTMLAnchorElement>('a[href^="#"]') : null;
    if (link !== null) open(link.hash);
  });
  addEventListener("hashchange", () => open(location.hash));
  open(location.hash);
}
