import { expect, test } from "vitest";
import { isBuiltin, withBuiltinPath } from "../../src/plan/builtin-model.js";

const builtin = { source: "builtin", name: "smollm2-135m-instruct", path: null } as const;
const onBuiltin = { source: "adapted", base: builtin, adapter: "/lora", merged: false } as const;
const onFolder = { ...onBuiltin, base: { source: "path", path: "/model" } } as const;

test("the embedded model is found beneath an adapter too, and no other model is given its folder", () => {
  expect([builtin, onBuiltin, onFolder].map(isBuiltin)).toEqual([true, true, false]);
  expect(withBuiltinPath(onBuiltin, "/cache/m")).toEqual({
    ...onBuiltin,
    base: { ...builtin, path: "/cache/m" },
  });
  expect(withBuiltinPath(builtin, "/cache/m")).toEqual({ ...builtin, path: "/cache/m" });
  expect(withBuiltinPath(onFolder, "/cache/m")).toEqual(onFolder);
});
