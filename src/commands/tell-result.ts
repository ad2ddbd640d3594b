/** What comes after the measuring: files are drawn from the records, and people are told. Loaded when there is time for it. */

export { loadDrawing } from "../render/charts/write-charts.js";
export { drawAndPrint } from "./draw-and-print.js";
export { judgeRun } from "./judge-run.js";
