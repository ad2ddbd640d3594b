import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { UNBUNDLED } from "../../scripts/bundling.js";

test("what is bundled is not installed as well: dependencies are what the bundle loads, and the font", () => {
  const manifest = JSON.parse(
    readFileSync(fileURLToPath(new URL("../../package.json", import.meta.url)), "utf8"),
  );
  // Vega asks for canvas, which nobody has to install.
  const loaded = UNBUNDLED.filter((name) => name !== "canvas");
  expect(Object.keys(manifest.dependencies).sort()).toEqual([...loaded, "dejavu-fonts-ttf"].sort());
});
