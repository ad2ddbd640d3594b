import { expect, test } from "vitest";
import { resolveHome } from "../../src/python-env/home.js";

test.each([
  [{ FALCON_EXP_HOME: "/a", XDG_CACHE_HOME: "/b", HOME: "/h" }, "/a"],
  [{ XDG_CACHE_HOME: "/b", HOME: "/h" }, "/b/falcon-exp"],
  [{ FALCON_EXP_HOME: "", XDG_CACHE_HOME: "", HOME: "/h" }, "/h/.cache/falcon-exp"],
])("with %o the cache folder is %s", (env, home) => {
  expect(resolveHome(env, "linux")).toBe(home);
});
