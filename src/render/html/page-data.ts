import type { ChartInputs } from "../charts/charts.js";

/** The data that the page's script works with: the only block of JSON in the page. */
export interface PageData {
  /** In the order in which they ran. */
  readonly configurations: readonly { readonly id: string; readonly label: string }[];
  readonly charts: ChartInputs;
}
