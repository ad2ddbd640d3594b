/** Long answers: folded until asked for. */

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

/** Whether answers show what only the reference said. */
export function watchRemovedTokens(page: Document): void {
  const box = page.querySelector<HTMLInputElement>("#show-removed");
  box?.addEventListener("change", () => {
    page.querySelector("#answers")?.classList.toggle("without-removed", !box.checked);
  });
}
