/** Every column of the flat table, in order. Readers find columns by name, so new ones may be inserted anywhere. */
import type { TableColumn } from "./column.js";
import { CONFIGURATION_COLUMNS } from "./configuration-columns.js";
import { RUN_COLUMNS } from "./run-columns.js";
import { TRIAL_COLUMNS } from "./trial-columns.js";

export const COLUMNS: readonly TableColumn[] = [...RUN_COLUMNS, ...CONFIGURATION_COLUMNS, ...TRIAL_COLUMNS];
