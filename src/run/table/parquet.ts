/** `records.parquet`: the flat table with real types, for pandas, polars, DuckDB and whatever else reads Parquet. */

import { ByteWriter, parquetWrite } from "hyparquet-writer";
import type { Cell, ColumnType, TableColumn, TableRow } from "./column.js";
import { COLUMNS } from "./columns.js";
import { TABLE_SCHEMA_VERSION } from "./run-columns.js";

type SchemaElement = NonNullable<Parameters<typeof parquetWrite>[0]["schema"]>[number];

/** Keys of the file's own metadata. */
const METADATA_PREFIX = "falcon_exp.";

/**
 * The file's bytes: a function of the rows alone. Every column is there whatever the rows hold, so that files of
 * different runs have one schema; text is the real text (a lone half of a surrogate pair, which UTF-8 cannot hold,
 * becomes U+FFFD).
 */
export function tableParquet(rows: readonly TableRow[]): Uint8Array {
  const writer = new ByteWriter();
  parquetWrite({
    writer,
    schema: [{ name: "root", num_children: COLUMNS.length }, ...COLUMNS.map(schemaElement)],
    columnData: COLUMNS.map((column) => ({
      name: column.name,
      data: rows.map((row) => stored(row[column.name] ?? null, column.type)),
    })),
    kvMetadata: metadata(rows),
    createdBy: "falcon-exp",
  });
  return writer.getBytes();
}

function schemaElement({ name, type, nullable }: TableColumn): SchemaElement {
  const repetition_type = nullable ? ("OPTIONAL" as const) : ("REQUIRED" as const);
  switch (type) {
    case "string":
      return {
        name,
        type: "BYTE_ARRAY",
        converted_type: "UTF8",
        logical_type: { type: "STRING" },
        repetition_type,
      };
    case "int64":
      return { name, type: "INT64", repetition_type };
    case "double":
      return { name, type: "DOUBLE", repetition_type };
    case "boolean":
      return { name, type: "BOOLEAN", repetition_type };
    case "timestamp":
      return {
        name,
        type: "INT64",
        converted_type: "TIMESTAMP_MILLIS",
        logical_type: { type: "TIMESTAMP", isAdjustedToUTC: true, unit: "MILLIS" },
        repetition_type,
      };
  }
}

function stored(cell: Cell, type: ColumnType): unknown {
  if (cell === null) return null;
  if (type === "int64") return BigInt(cell);
  return type === "timestamp" ? new Date(String(cell)) : cell;
}

function metadata(rows: readonly TableRow[]): { key: string; value: string }[] {
  const distinct = (name: string) => [...new Set(rows.map((row) => row[name]))];
  return [
    { key: `${METADATA_PREFIX}table_schema_version`, value: String(TABLE_SCHEMA_VERSION) },
    { key: `${METADATA_PREFIX}experiments`, value: JSON.stringify(distinct("experiment")) },
    { key: `${METADATA_PREFIX}runs`, value: JSON.stringify(distinct("run_id")) },
  ];
}
