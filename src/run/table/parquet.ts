/** `records.parquet`: the flat table with real types, for pandas, polars, DuckDB and whatever else reads Parquet. */

import { ByteWriter, ParquetWriter } from "hyparquet-writer";
import { inBatches } from "../../base/batches.js";
import type { Cell, ColumnType, TableColumn, TableRow } from "./column.js";
import { COLUMNS } from "./columns.js";
import { TABLE_SCHEMA_VERSION } from "./run-columns.js";

type SchemaElement = ConstructorParameters<typeof ParquetWriter>[0]["schema"][number];

/** Rows per row group; only one group must fit into memory at a time. */
const GROUP_ROWS = 1000;

/** Prefix of the keys in the file's own metadata. */
const METADATA_PREFIX = "falcon_exp.";

/**
 * Returns the file's bytes, which depend on the rows alone. Every column exists whatever the rows hold, so that files of
 * different runs have the same schema. Text is stored unchanged (but half of a surrogate pair on its own, which UTF-8 cannot
 * hold, becomes U+FFFD).
 */
export function tableParquet(rows: Iterable<TableRow>): Uint8Array {
  const writer = new ByteWriter();
  const file = new ParquetWriter({
    writer,
    schema: [{ name: "root", num_children: COLUMNS.length }, ...COLUMNS.map(schemaElement)],
    createdBy: "falcon-exp",
  });
  const experiments = new Set<Cell>();
  const runs = new Set<Cell>();
  for (const group of inBatches(rows, GROUP_ROWS)) {
    for (const row of group) {
      experiments.add(row.experiment ?? null);
      runs.add(row.run_id ?? null);
    }
    file.write({ columnData: describeColumns(group), rowGroupSize: GROUP_ROWS });
  }
  if (experiments.size === 0) file.write({ columnData: describeColumns([]) });
  file.kvMetadata = metadata(experiments, runs);
  file.finish();
  return writer.getBytes();
}

function describeColumns(rows: readonly TableRow[]) {
  return COLUMNS.map(({ name, type }) => ({
    name,
    data: rows.map((row) => stored(row[name] ?? null, type)),
  }));
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

function metadata(experiments: ReadonlySet<Cell>, runs: ReadonlySet<Cell>): { key: string; value: string }[] {
  return [
    { key: `${METADATA_PREFIX}table_schema_version`, value: String(TABLE_SCHEMA_VERSION) },
    { key: `${METADATA_PREFIX}experiments`, value: JSON.stringify([...experiments]) },
    { key: `${METADATA_PREFIX}runs`, value: JSON.stringify([...runs]) },
  ];
}
