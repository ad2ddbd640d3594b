/** `records.csv`: for spreadsheets and people. Text is made harmless for both; Parquet and JSON have it as it was. */
import { stringify } from "csv-stringify/sync";
import { csvText } from "../../base/text.js";
import type { TableRow } from "./column.js";
import { COLUMNS } from "./columns.js";

/** Says UTF-8 to spreadsheets, which would take another encoding; whoever reads CSV in UTF-8 passes over it. */
export const BYTE_ORDER_MARK = "\uFEFF";

/** The file's text: a line of names, then the rows; RFC 4180 quoting, `\n` line ends, empty for null. */
export function tableCsv(rows: readonly TableRow[]): string {
  return stringify([...rows], {
    header: true,
    columns: COLUMNS.map(({ name }) => name),
    cast: { boolean: (value) => (value ? "true" : "false"), string: csvText },
  });
}
