/** Which answers are shown, and whether text that only the reference has is shown as well. */

import { keepChoice, readAddress } from "./address.js";

export function watchAnswers(page: Document): void {
  const section = page.querySelector("#answers");
  const removed = page.querySelector<HTMLInputElement>("#show-removed");
  const different = page.querySelector<HTMLInputElement>("#only-different");
  const search = page.querySelector<HTMLInputElement>("#answer-search");
  const show = () => {
    section?.classList.toggle("with-removed", removed?.checked);
    section?.classList.toggle("only-different", different?.checked);
    const words = search?.value.trim().toLowerCase() ?? "";
    for (const question of page.querySelectorAll<HTMLElement>(".question")) {
      question.hidden = words !== "" && !(question.textContent ?? "").toLowerCase().includes(words);
    }
  };
  const { choices } = readAddress();
  for (const [name, box] of [
    ["removed", removed],
    ["differ", different],
  ] as const) {
    if (box === null) continue;
    box.checked = choices.has(name);
    box.addEventListener("change", () => {
      keepChoice(name, box.checked ? "1" : "");
      show();
    });
  }
  if (search !== null) {
    search.value = choices.get("q") ?? "";
    search.addEventListener("input", () => {
      keepChoice("q", search.value);
      show();
    });
  }
  show();
}
