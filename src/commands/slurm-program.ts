import { join } from "node:path";
import { packageRoot } from "../base/program.js";

/** How falcon-exp is started on a node: as it was started here. */
export const PROGRAM: readonly string[] = [process.execPath, join(packageRoot(), "bin/falcon-exp.js")];
