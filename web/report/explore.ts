/** Which metrics the tradeoff chart shows. */
import type { ExploreChoice } from "../../src/render/charts/explore.js";
import { keepChoice, readAddress } from "./address.js";

const PARTS = ["x", "y", "color", "facet"] as const;

export interface Explore {
  /** Null as long as the usual chart is chosen. */
  readonly choice: () => ExploreChoice | null;
  readonly onChange: (listener: () => void) => void;
}

export function watchExplore(page: Document, usual: ExploreChoice | null): Explore {
  const selects = new Map(
    PARTS.flatMap((part) => {
      const select = page.querySelector<HTMLSelectElement>(`[data-explore="${part}"]`);
      return select === null ? [] : [[part, select] as const];
    }),
  );
  const reset = page.querySelector<HTMLButtonElement>("#explore-reset");
  const listeners: (() => void)[] = [];
  const read = (): ExploreChoice | null => {
    if (usual === null) return null;
    const chosen = { ...usual };
    for (const [part, select] of selects) chosen[part] = select.value;
    return PARTS.every((part) => chosen[part] === usual[part]) ? null : chosen;
  };
  const changed = () => {
    const choice = read();
    for (const part of PARTS) {
      const isUsual = choice === null || choice[part] === usual?.[part];
      keepChoice(part, isUsual ? "" : choice[part] || "none");
    }
    if (reset !== null) reset.hidden = choice === null;
    for (const listener of listeners) listener();
  };
  const { choices } = readAddress();
  for (const [part, select] of selects) {
    const kept = choices.get(part);
    const value = kept === "none" ? "" : kept;
    if (value !== null && [...select.options].some((option) => option.value === value)) select.value = value;
    select.addEventListener("change", changed);
  }
  if (reset !== null) reset.hidden = read() === null;
  reset?.addEventListener("click", () => {
    for (const [part, select] of selects) select.value = usual?.[part] ?? "";
    changed();
  });
  return { choice: read, onChange: (listener) => listeners.push(listener) };
}
