/** `records.csv`: for spreadsheets and people. Text is made harmless for both; Parquet and JSON have it as it was. */
import { stringify } from "csv-stringify/sync";
import { csvText } from "../../base/text.js";
import type { TableRow } from "./column.js";
import { COLUMNS } from "./columns.js";

/** The file's text: a line of names, then the rows; RFC 4180 quoting, `\n` line ends, empty for null. */
export function tableCsv(rows: readonly TableRow[]): string {
  return stringify([...rows], {
    header: true,
    columns: COLUMNS.map(({ name }) => name),
    cast: { boolean: (value) => (value ? "true" : "false"), string: csvText },
  });
}
