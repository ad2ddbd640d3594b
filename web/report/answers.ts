/** Which answers are shown, and how much of what differs. */

export function watchAnswers(page: Document): void {
  const section = page.querySelector("#answers");
  const removed = page.querySelector<HTMLInputElement>("#show-removed");
  const different = page.querySelector<HTMLInputElement>("#only-different");
  const search = page.querySelector<HTMLInputElement>("#answer-search");
  removed?.addEventListener("change", () => section?.classList.toggle("with-removed", removed.checked));
  different?.addEventListener("change", () => section?.classList.toggle("only-different", different.checked));
  search?.addEventListener("input", () => {
    const words = search.value.trim().toLowerCase();
    for (const question of page.querySelectorAll<HTMLElement>(".question")) {
      question.hidden = words !== "" && !(question.textContent ?? "").toLowerCase().includes(words);
    }
  });
}
