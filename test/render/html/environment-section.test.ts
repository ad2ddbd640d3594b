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
  const page = String(environmentSection(groupRecords(records, "x")));
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

test("a run of before has no lines for what it did not record", () => {
  const facts = factsOf("not told");
  expect(facts.get("CPU")).toBe("Some CPU");
  expect([...facts.keys()]).not.toContain("CPU instruction sets");
});
