import { existsSync, writeFileSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { expect, test, vi } from "vitest";
import { writeReport } from "../../src/render/write-report.js";
import { fakeRun, THREE } from "../fixtures/records.js";
import { folderWithRecords } from "../fixtures/run-folder.js";

const createRenderer = vi.hoisted(() => vi.fn());
vi.mock("../../src/render/charts/render.js", () => ({ createRenderer }));

async function reportWithOldImages() {
  const paths = folderWithRecords(fakeRun({ configurations: THREE.slice(0, 1) }).records);
  await mkdir(paths.charts, { recursive: true });
  writeFileSync(paths.chart("overview", ".png"), "drawn from other records");
  return { paths, ...(await writeReport(paths)) };
}

test("where charts cannot be drawn at all, the figures are written and one warning says so", async () => {
  // This test is the file's first, because what was loaded once is kept.
  createRenderer.mockRejectedValue(new Error("no resvg for this platform"));
  const { paths, warnings } = await reportWithOldImages();
  expect(warnings).toEqual(["charts cannot be drawn here: no resvg for this platform"]);
  for (const path of [paths.summary, paths.csv, paths.answers, paths.chart("overview", ".vl.json")]) {
    expect(existsSync(path), path).toBe(true);
  }
});

test("a chart that could not be drawn leaves no image of earlier records behind, and the others are drawn", async () => {
  const image = { svg: "<svg/>", png: new Uint8Array([1]) };
  const render = vi.fn().mockRejectedValueOnce(new Error("broken")).mockResolvedValue(image);
  createRenderer.mockResolvedValue(render);
  const { paths, warnings } = await reportWithOldImages();
  expect(warnings).toEqual(["the chart overview could not be drawn: broken"]);
  expect(existsSync(paths.chart("overview", ".png"))).toBe(false);
  expect(existsSync(paths.chart("article-none", ".png"))).toBe(true);
});

test("drawing is loaded once for a whole process, but after a problem the next caller tries anew", async () => {
  vi.resetModules();
  const { loadDrawing } = await import("../../src/render/charts/write-charts.js");
  createRenderer.mockReset().mockRejectedValueOnce(new Error("too little memory")).mockResolvedValue(vi.fn());
  expect(await loadDrawing()).toMatchObject({ render: null });
  const [drawing, another] = await Promise.all([loadDrawing(), loadDrawing()]);
  expect(drawing?.problem).toBeNull();
  expect(another).toBe(drawing);
  expect(await loadDrawing()).toBe(drawing);
  expect(createRenderer).toHaveBeenCalledTimes(2);
});
