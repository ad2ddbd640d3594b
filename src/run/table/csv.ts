/** `records.csv`: for spreadsheets and people. Text is made harmless for both; Parquet and JSON have it unchanged. */
import { stringify } from "csv-stringify/sync";
import { inBatches } from "../../base/batches.js";
import { csvText } from "../../base/text.js";
import type { TableRow } from "./column.js";
import { COLUMNS } from "./columns.js";

/**
 * Tells spreadsheets, which would otherwise assume another encoding, that the file is UTF-8; programs that read CSV as UTF-8
 * skip it.
 */
export const BYTE_ORDER_MARK = "\uFEFF";

const BATCH_ROWS = 500;

/** The file's text in pieces: a line of names, then the rows; RFC 4180 quoting, `\n` line ends, empty for null. */
export function* csvPieces(rows: Iterable<TableRow>): Generator<string> {
  const names = COLUMNS.map(({ name }) => name);
  yield stringify([], { header: true, columns: names });
  for (const batch of inBatches(rows, BATCH_ROWS)) {
    yield stringify(batch, {
      columns: names,
      cast: { boolean: (value) => (value ? "true" : "false"), string: csvText },
    });
  }
}

/** The same pieces as they are written to a file, with the byte order mark in front. */
export function* csvFilePieces(pieces: Iterable<string>): Generator<string> {
  yield BYTE_ORDER_MARK;
  yield* pieces;
}
