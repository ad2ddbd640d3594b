import { expect, test } from "vitest";
import { wireTypes } from "../../scripts/wire-types.js";
import { workerErrorCodeSchema } from "../../src/protocol/messages.js";

const types = wireTypes();
const classNamed = (name: string) =>
  new RegExp(`class ${name}\\(TypedDict\\):\\n((?: {4}.*\\n)+)`).exec(types)?.[1];

test("a mapping of the wire is a class, with the keys that may be absent marked", () => {
  expect(
    classNamed("GenerateBody")
      ?.split("\n")
      .map((line) => line.trim()),
  ).toEqual(
    expect.arrayContaining([
      'phase: Literal["warmup", "measure"]',
      "prompt: Prompt",
      "further_prompts: NotRequired[list[Prompt]]",
      "repeat: int",
    ]),
  );
  expect(classNamed("Generation")).toContain("    max_length: int | None\n");
  expect(classNamed("Generation")).toContain("    cache: NotRequired[Cache | None]\n");
});

test("what is told apart by a constant is a union of classes, each named after it", () => {
  expect(types).toContain("Cache: TypeAlias = 'CacheDynamic | CacheStatic | CacheQuantized'\n");
  expect(classNamed("CacheQuantized")).toContain('    type: Literal["quantized"]\n');
});

test("every error code is known, and every class has a name of its own", () => {
  const [, codes = ""] = /^ErrorCode: TypeAlias = 'Literal\[(.*)\]'$/m.exec(types) ?? [];
  expect(codes.split(", ")).toEqual(workerErrorCodeSchema.options.map((code) => `"${code}"`));
  const names = Array.from(types.matchAll(/^(?:class )?(\w+)(?:\(|: TypeAlias)/gm), ([, name]) => name);
  expect(names.length).toBeGreaterThan(20);
  expect(new Set(names).size).toBe(names.length);
});
