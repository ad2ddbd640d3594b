/** `merge.ts FOLDER`: merges the records of a run's tasks into one file, as the last task does before it draws. */
import { RunPaths } from "../../src/run/paths.js";
import { mergeTaskRecords } from "../../src/run/read-run-records.js";

const warnings = await mergeTaskRecords(new RunPaths(process.argv[2] ?? ""));
if (warnings.length > 0) throw new Error(JSON.stringify(warnings[0]));
