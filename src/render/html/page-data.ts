import type { ChartInputs } from "../charts/charts.js";

/** What the page's script works with; the one block of JSON in the page. */
export interface PageData {
  /** In the order of running. */
  readonly configurations: readonly { readonly id: string; readonly label: string }[];
  readonly charts: ChartInputs;
}
