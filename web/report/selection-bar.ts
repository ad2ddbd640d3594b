/** The buttons that choose configurations. Everything that belongs to one configuration is shown or hidden with it. */
import type { PageData } from "../../src/render/html/page-data.js";
import { keepChoices } from "./address.js";
import type { Selection } from "./selection.js";

export function watchSelection(
  page: Document,
  selection: Selection,
  configurations: PageData["configurations"],
): void {
  const all = page.querySelector<HTMLButtonElement>("#select-all");
  const chips = [...page.querySelectorAll<HTMLButtonElement>("[data-select]")];
  const search = page.querySelector<HTMLInputElement>("#select-search");
  const isFound = (chip: HTMLElement) =>
    (chip.textContent ?? "").toLowerCase().includes(search?.value.trim().toLowerCase() ?? "");
  all?.addEventListener("click", () => selection.selectAll());
  search?.addEventListener("input", () => {
    for (const chip of chips) chip.hidden = !isFound(chip);
  });
  page.querySelector("#select-found")?.addEventListener("click", () => {
    selection.these(chips.filter(isFound).map((chip) => chip.dataset.select ?? ""));
  });
  for (const chip of chips) {
    chip.addEventListener("click", ({ shiftKey }) => {
      const id = chip.dataset.select ?? "";
      if (shiftKey) selection.only(id);
      else selection.toggle(id);
    });
  }
  const show = () => {
    all?.setAttribute("aria-pressed", String(selection.isAll));
    for (const chip of chips) {
      chip.setAttribute("aria-pressed", String(selection.has(chip.dataset.select ?? "")));
    }
    for (const element of page.querySelectorAll<HTMLElement>("[data-configuration]")) {
      element.hidden = !selection.has(element.dataset.configuration ?? "");
    }
    announce(page, selection, configurations);
  };
  selection.onChange(() => {
    show();
    keepChoices("show", selection.isAll ? [] : selection.shown);
  });
  // Escape brings back all configurations, unless the focus is in a field.
  page.addEventListener("keydown", ({ key, target }) => {
    const isInField = target instanceof HTMLInputElement || target instanceof HTMLSelectElement;
    if (key === "Escape" && !selection.isAll && !isInField) selection.selectAll();
  });
  if (!selection.isAll) show();
}

function announce(page: Document, selection: Selection, configurations: PageData["configurations"]): void {
  const announcer = page.querySelector("#announcer");
  if (announcer === null) return;
  const shown = configurations.filter(({ id }) => selection.has(id)).map(({ label }) => label);
  const count = page.querySelector("#selected");
  if (count !== null) {
    const { length } = configurations;
    count.textContent = selection.isAll
      ? `all ${length} configurations`
      : `${shown.length} of ${length} shown`;
  }
  announcer.textContent = selection.isAll ? "All configurations are shown" : `Shown: ${shown.join(", ")}`;
}
