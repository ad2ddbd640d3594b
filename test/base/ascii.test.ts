import { expect, test } from "vitest";
import { toAscii } from "../../src/base/ascii.js";
import { markdownInline } from "../../src/base/text.js";

test("without UTF-8 a table keeps its columns, and a model's words stay as they are", () => {
  const table = "┌──┬──┐\n│ 2× │ −1 %…\n└──┴──┘ 日本";
  const ascii = toAscii(table);
  expect(ascii).toBe("+--+--+\n| 2x | -1 %~\n+--+--+ 日本");
  expect(ascii).toHaveLength(table.length);
});

test("Markdown shows names as they are, is read without being rendered, and makes no link, emphasis or mention of them", () => {
  expect(markdownInline("fp4: tokens/s −10.1 % [−11.0, −9.2] (34.5 → 31.0)")).toBe(
    "fp4: tokens/s −10.1 % [−11.0, −9.2] (34.5 → 31.0)",
  );
  expect(markdownInline("[a](http://evil)")).toBe("[a\\](http&#58;//evil)");
  expect(markdownInline("![a][b] <b> *x* @me :tada: #1 `c` $m$")).toBe(
    "\\![a\\][b] &lt;b&gt; \\*x\\* &#64;me &#58;tada: \\#1 \\`c\\` \\$m\\$",
  );
});
