/** What comes after measuring: drawing files from the records, and reporting the result. Loaded when there is time for it. */

export { loadDrawing } from "../render/charts/write-charts.js";
export { drawAndPrint } from "./draw-and-print.js";
export { judgeRun } from "./judge-run.js";
