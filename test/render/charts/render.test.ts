/** What becomes of charts whose thread fails. */
import { setTimeout } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type { TopLevelSpec } from "vega-lite";
import { expect, test } from "vitest";
import { createSvgRenderer } from "../../../src/render/charts/render.js";

const fixture = (file: string) => fileURLToPath(new URL(`../../fixtures/${file}`, import.meta.url));
const entitled = (title: string) => ({ title }) as TopLevelSpec;

test("a thread that ends fails the charts that it was given, and the next chart gets a new thread", async () => {
  const draw = await createSvgRenderer(fixture("ending-thread.mjs"));
  expect(await draw(entitled("one"))).toBe("<svg>one</svg>");
  const given = await Promise.allSettled([draw(entitled("end")), draw(entitled("two"))]);
  expect(given.map(({ status }) => status)).toEqual(["rejected", "rejected"]);
  expect(await draw(entitled("three"))).toBe("<svg>three</svg>");
});

test("a thread that cannot be loaded fails every chart, whether it was already given to it or still waits", async () => {
  const draw = await createSvgRenderer(fixture("unloadable-thread.mjs"));
  // More than one thread is given at once.
  const early = Array.from({ length: 20 }, () => draw(entitled("early")));
  for (const { status } of await Promise.allSettled(early)) expect(status).toBe("rejected");
  await expect(draw(entitled("late"))).rejects.toThrow();
  // Its error would end this process if nobody listened to it.
  await setTimeout(200);
  await expect(draw(entitled("later"))).rejects.toThrow();
});
