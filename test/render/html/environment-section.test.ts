import { expect, test } from "vitest";
import { environmentSection } from "../../../src/render/html/environment-section.js";
import { groupRecords } from "../../../src/run/run-data.js";
import { fakeRun } from "../../fixtures/records.js";

const factsOf = (machine: "told" | "not told") => {
  const records = fakeRun().records.map((record) =>
    record.kind === "environment" && machine === "not told"
      ? { ...record, environment: { ...record.environment, machine: null } }
      : record,
  );
  const page = environmentSection(groupRecords(records, "x")).text;
  return new Map(
    [...page.matchAll(/<dt>(.*?)<\/dt><dd>(.*?)<\/dd>/g)].map(([, name = "", value = ""]) => [name, value]),
  );
};

test("the page shows what decides the machine's speed beyond its name", () => {
  const facts = factsOf("told");
  expect(Object.fromEntries(facts)).toMatchObject({
    "CPU instruction sets": "avx2, avx512_bf16, avx512_vnni, avx512f",
    "usable cores": "2 on 1 core",
    "bitsandbytes library": "libbitsandbytes_cpu.so",
    "4-bit on the CPU": "fused AVX512-BF16 kernel",
  });
});

test("a card is shown with its UUID", () => {
  const page = environmentSection(groupRecords(fakeRun({ device: "cuda" }).records, "x")).text;
  expect(page).toContain("NVIDIA H100, 85.52 GB, GPU-11111111-2222-3333-4444-555555555555, 00000000:3B:00.0");
});

test("a run of before has no lines for what it did not record", () => {
  const facts = factsOf("not told");
  expect(facts.get("CPU")).toBe("Some CPU");
  expect([...facts.keys()]).not.toContain("CPU instruction sets");
});
