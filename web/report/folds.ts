import { readAddress } from "./address.js";

/** What stays folded until the reader unfolds it: long answers, and the sections at the end. */

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
  const open = (id: string) => {
    const target = id === "" ? null : page.getElementById(id);
    const fold =
      target?.querySelector<HTMLDetailsElement>(":scope > details.folded") ?? target?.closest("details");
    if (fold !== null && fold !== undefined) fold.open = true;
  };
  // Clicks are watched too, because a link to the place that is already in the address does not change the address.
  page.addEventListener("click", ({ target }) => {
    const link = target instanceof Element ? target.closest<HTMLAnchorElement>('a[href^="#"]') : null;
    if (link !== null) open(decodeURIComponent(link.hash.slice(1)));
  });
  addEventListener("hashchange", () => open(readAddress().target));
  const { target, choices } = readAddress();
  open(target);
  // The browser takes the choices in the address for part of the element's id, so it does not find the element itself.
  if (choices.size > 0) page.getElementById(target)?.scrollIntoView();
}
