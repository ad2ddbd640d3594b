import { join } from "node:path";
import { packageRoot } from "../base/program.js";

/** How falcon-exp is started on a node: in the same way as here. */
export const PROGRAM: readonly string[] = [process.execPath, join(packageRoot(), "bin/falcon-exp.js")];
