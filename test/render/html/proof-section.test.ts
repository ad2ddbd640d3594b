import { expect, test } from "vitest";
import { proofSection } from "../../../src/render/html/proof-section.js";
import { writeSummary } from "../../../src/render/words/summary.js";
import { groupRecords } from "../../../src/run/run-data.js";
import { fakeRun, withCache } from "../../fixtures/records.js";

function renderProof(records: ReturnType<typeof fakeRun>["records"]): string {
  const data = groupRecords(records, "test");
  return proofSection(data, writeSummary(data)).text;
}

test("the cache that generate made is named, and whether the forward pass was compiled", () => {
  const { records } = fakeRun();
  const compiled = renderProof(withCache(records, { cache_implementation: "StaticCache", compiled: true }));
  expect(compiled).toContain("<dt>cache</dt><dd>StaticCache, forward pass compiled</dd>");
  const plain = renderProof(withCache(records, { cache_implementation: "DynamicCache", compiled: false }));
  expect(plain).toContain("<dt>cache</dt><dd>DynamicCache</dd>");
});

test("a run of before the cache was looked at says nothing about it", () => {
  expect(renderProof(fakeRun().records)).not.toContain("<dt>cache</dt>");
});
