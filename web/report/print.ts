/** On paper everything is shown: whatever was folded is open, and every chart is drawn. */
import type { Charts } from "./charts.js";

export function watchPrinting(page: Document, charts: Charts): void {
  let opened: HTMLDetailsElement[] = [];
  addEventListener("beforeprint", () => {
    opened = [...page.querySelectorAll<HTMLDetailsElement>("details:not([open])")];
    for (const details of opened) details.open = true;
    charts.drawAll();
  });
  addEventListener("afterprint", () => {
    for (const details of opened) details.open = false;
  });
}
