import { expect, test } from "vitest";
import type { ModelSource } from "../../src/protocol/configuration.js";
import { type ReuseTarget, whyUnknown } from "../../src/run/reusable.js";

const COMMIT = "0123456789abcdef0123456789abcdef01234567";
const builtin = { source: "builtin", name: "smollm2-135m-instruct", path: null } as const;
const hub = (revision: string | null) => ({ source: "hub", repo: "lab/lora", revision }) as const;

function whyModelUnknown(model: ModelSource): string | null {
  const worker = { model, quantization: { method: "none" } };
  return whyUnknown({
    plan: { header: { quality: null } },
    configuration: { worker },
  } as unknown as ReuseTarget);
}

test("an adapter of the hub is known by its commit, if its base is known as well", () => {
  const adapted = (adapter: ReturnType<typeof hub> | string) =>
    whyModelUnknown({ source: "adapted", base: builtin, adapter, merged: false });
  expect(adapted(hub(COMMIT))).toBeNull();
  expect(adapted(hub(null))).toContain("the branch main may have moved");
  expect(adapted("/lab/lora")).toContain("the adapter's folder may have changed");
  const onFolder = {
    source: "adapted",
    base: { source: "path", path: "/lab/base" },
    adapter: hub(COMMIT),
    merged: false,
  };
  expect(whyModelUnknown(onFolder as ModelSource)).toContain("a model's folder may have changed");
});
