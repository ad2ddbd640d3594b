import { expect, test } from "vitest";
import { shortName, shownName } from "../../../src/render/words/names.js";

const named = (label: string, axes: Record<string, string>, dtype: string | null = "bfloat16") => ({
  label,
  axes,
  dtype,
});

test("what is not quantized is called by its dtype, and everything else as it is", () => {
  const none = named("none", { quantization: "none" });
  expect(shownName(none)).toBe("bf16 (unquantized)");
  expect(shortName(none)).toBe("bf16");
  expect(shownName({ ...none, dtype: "float32" })).toBe("fp32 (unquantized)");
  expect(shownName({ ...none, dtype: null })).toBe("unquantized");
  expect(shownName(named("nf4", { quantization: "nf4" }))).toBe("nf4");
  expect(shownName(named("sdpa", { attention: "sdpa" }))).toBe("sdpa");
});

test("in a longer label only the quantization is renamed", () => {
  const axes = { model: "none", quantization: "none", attention: "sdpa" };
  expect(shownName(named("none none sdpa", axes))).toBe("none bf16 (unquantized) sdpa");
  expect(shownName(named("none float16", { quantization: "none", dtype: "float16" }, "float16"))).toBe(
    "unquantized float16",
  );
});
