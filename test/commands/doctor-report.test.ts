import { expect, test } from "vitest";
import { environmentFindings } from "../../src/commands/doctor-report.js";
import type { EnvironmentCheck } from "../../src/python-env/check.js";

function findings(devices: readonly string[]) {
  const check: EnvironmentCheck = {
    python_version: "3.11.2",
    packages: {},
    problems: [],
    import_errors: [],
    machine: null,
    devices: devices.map((device) => ({
      device,
      name: "a device",
      memory_bytes: 8e9,
      dtypes: ["float32"],
      quantization: {},
      unable: {},
    })),
  };
  return environmentFindings("python", check, "").map(({ what, detail }) => `${what}: ${detail}`);
}

test.each(["cuda:0", "mps:0", "xpu:0"])("where there is %s, nothing says that runs use the CPU", (device) => {
  const found = findings(["cpu", device]);
  expect(found).toContain(`${device}: a device, 8.0 GB; quantization none; dtype float32`);
  expect(found.filter((one) => one.startsWith("GPU:"))).toEqual([]);
});

test("without a GPU it is said that runs use the CPU", () => {
  expect(findings(["cpu"])).toContain("GPU: none found: runs use the CPU");
});
