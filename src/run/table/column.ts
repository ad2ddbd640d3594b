/** What a column of the flat table is: one definition for CSV, Parquet, JSON and the documentation. */
import type { ColumnSpec } from "../../metrics/metric.js";
import type { TrialRecord } from "../record-types.js";
import type { ConfigurationData, RunData } from "../run-data.js";

/** What a row is made from. */
export interface RowSource {
  readonly data: RunData;
  readonly configuration: ConfigurationData;
  /** Null in the one row of a configuration without any trial. */
  readonly trial: TrialRecord | null;
}

/** A timestamp is a text in ISO 8601, UTC, as in the records. */
export type ColumnType = "string" | "int64" | "double" | "boolean" | "timestamp";
export type Cell = string | number | boolean | null;
/** Column name → value, in the columns' order. */
export type TableRow = Readonly<Record<string, Cell>>;

export interface TableColumn {
  /** Ends with the unit, if there is one. */
  readonly name: string;
  readonly type: ColumnType;
  /** Null if the value has none. */
  readonly unit: string | null;
  readonly nullable: boolean;
  readonly description: string;
  readonly readCell: (source: RowSource) => Cell | undefined;
}

const UNITS: readonly (readonly [ending: string, unit: string])[] = [
  ["_tokens_per_sec", "tokens/s"],
  ["_sec", "seconds"],
  ["_bytes", "bytes"],
  ["_joules", "joules"],
  ["_tokens", "tokens"],
];

function maker<T extends Cell>(type: ColumnType) {
  return (
    name: string,
    description: string,
    readCell: (source: RowSource) => T | null | undefined,
  ): TableColumn => {
    const unit = UNITS.find(([ending]) => name.endsWith(ending))?.[1] ?? null;
    return { name, type, unit, nullable: true, description, readCell };
  };
}

/** Makes a column of a type from its name (which ends with the unit), its meaning, and its value in a row. */
export const column = {
  string: maker<string>("string"),
  timestamp: maker<string>("timestamp"),
  int64: maker<number>("int64"),
  double: maker<number>("double"),
  boolean: maker<boolean>("boolean"),
};

/** A metric's column, as the registry describes it. */
export function metricColumn(
  key: string,
  { type, name = key, description }: Pick<ColumnSpec<never>, "type" | "name" | "description">,
  readCell: (source: RowSource) => Cell | undefined,
): TableColumn {
  return maker<Cell>(type)(name, description, readCell);
}

/** The same column, if no row lacks its value. */
export function always(of: TableColumn): TableColumn {
  return { ...of, nullable: false };
}
