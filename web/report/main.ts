/** The script of report.html: draws charts, sorts, filters and unfolds. The page's HTML already has all the figures. */
import type { PageData } from "../../src/render/html/page-data.js";
import { watchCopying } from "../shared/copy.js";
import { watchTheme } from "../shared/theme.js";
import { keepChoicesOnLinks, readAddress } from "./address.js";
import { watchAnswers } from "./answers.js";
import { drawCharts } from "./charts.js";
import { watchExplore } from "./explore.js";
import { watchFolds, watchLinks } from "./folds.js";
import { watchPrinting } from "./print.js";
import { Selection } from "./selection.js";
import { watchSelection } from "./selection-bar.js";
import { watchSorting } from "./sort.js";

const data = JSON.parse(document.querySelector("#page-data")?.textContent ?? "") as PageData;
const selection = new Selection(
  data.configurations.map(({ id }) => id),
  readAddress().choices.getAll("show"),
);

document.documentElement.classList.add("scripted");
watchTheme(document);
watchCopying(document);
watchSorting(document);
watchFolds(document);
watchAnswers(document);
watchLinks(document);
keepChoicesOnLinks();
watchSelection(document, selection, data.configurations);
const explore = watchExplore(document, data.charts.explore?.usual ?? null);
const charts = drawCharts(document, data.charts, selection, explore);
watchPrinting(document, charts);
