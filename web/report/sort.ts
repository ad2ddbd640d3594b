/** A click on a column header sorts the table: ascending, descending, then as it was. Rows without a value stay last. */

import { keepChoice, readAddress } from "./address.js";

type Direction = "none" | "ascending" | "descending";
const NEXT: Readonly<Record<Direction, Direction>> = {
  none: "ascending",
  ascending: "descending",
  descending: "none",
};

export function watchSorting(page: Document): void {
  for (const table of page.querySelectorAll("table")) {
    const body = table.tBodies[0];
    if (body === undefined) continue;
    const original = [...body.rows];
    for (const button of table.querySelectorAll<HTMLButtonElement>("button[data-sort]")) {
      const head = button.closest("th");
      if (head === null) continue;
      const name = `${table.getAttribute("aria-label")} by ${button.textContent}`;
      const sort = (direction: Direction) => {
        for (const other of table.querySelectorAll("th[aria-sort]")) other.setAttribute("aria-sort", "none");
        head.setAttribute("aria-sort", direction);
        const column = head.cellIndex;
        const isNumber = button.dataset.sort === "number";
        body.append(
          ...sorted(original, (row) => row.cells[column]?.dataset.value ?? "", isNumber, direction),
        );
      };
      const { choices } = readAddress();
      if (choices.get("sort") === name)
        sort(choices.get("order") === "descending" ? "descending" : "ascending");
      button.addEventListener("click", () => {
        const direction = NEXT[(head.getAttribute("aria-sort") ?? "none") as Direction];
        sort(direction);
        keepChoice("sort", direction === "none" ? "" : name);
        keepChoice("order", direction === "descending" ? direction : "");
      });
    }
  }
}

function sorted(
  rows: readonly HTMLTableRowElement[],
  sortedBy: (row: HTMLTableRowElement) => string,
  isNumber: boolean,
  direction: Direction,
): HTMLTableRowElement[] {
  if (direction === "none") return [...rows];
  const sign = direction === "ascending" ? 1 : -1;
  return rows.toSorted((a, b) => {
    const [x, y] = [sortedBy(a), sortedBy(b)];
    if (x === "" || y === "") return Number(x === "") - Number(y === "");
    return sign * (isNumber ? Number(x) - Number(y) : x.localeCompare(y, "en", { numeric: true }));
  });
}
