import fc from "fast-check";
import { expect, test } from "vitest";
import { diffAnswers } from "../../../src/analysis/answer-diff.js";
import { againSection, shellWord } from "../../../src/render/html/again-section.js";
import { clipText } from "../../../src/render/html/clip.js";
import { html, jsonForScript } from "../../../src/render/html/markup.js";
import { groupRecords } from "../../../src/run/run-data.js";
import { fakeRun, tokenize } from "../../fixtures/records.js";

test("no text can leave the element or the attribute that it was put into", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (text) => {
      const inside = html`${text}`.text;
      expect(inside).not.toMatch(/[<>"']/);
      expect(inside).not.toMatch(/&(?!(amp|lt|gt|quot|#39);)/);
    }),
  );
  expect(html`<p>${html`<b>${"<i>"}</b>`}${null}${false}${["a", 1]}</p>`.text).toBe(
    "<p><b>&lt;i&gt;</b>a1</p>",
  );
});

test("any document is the same after its way through a script element, and cannot end it", () => {
  fc.assert(
    fc.property(fc.json(), fc.string(), (json, text) => {
      const value = { value: JSON.parse(json) as unknown, text: `</script>${text}\u2028` };
      const written = jsonForScript(value).text;
      expect(written).not.toMatch(/[<>\u2028\u2029]/);
      expect(JSON.parse(written)).toEqual(JSON.parse(JSON.stringify(value)));
    }),
  );
});

test("a clipped text is a beginning, and takes no more bytes in the page than it may", () => {
  fc.assert(
    fc.property(
      fc.string({ unit: "binary", maxLength: 400 }),
      fc.integer({ min: 0, max: 300 }),
      (text, most) => {
        const { text: clipped, isCut } = clipText(text, most);
        expect(text.startsWith(clipped)).toBe(true);
        expect(clipped === text).toBe(!isCut);
        // The name of a code point beyond 16 bits has up to two more digits.
        expect(Buffer.byteLength(html`${clipped}`.text)).toBeLessThanOrEqual(most * 1.3);
      },
    ),
    { examples: [["\r", 1]] },
  );
});

const answer = (text: string, hasTokens: boolean) => {
  const { output_ids: ids, output_pieces: pieces } = tokenize(text);
  return { text, tokens: hasTokens ? { ids, pieces } : null };
};

test("what is the same and inserted is the answer, what is the same and removed the reference's", () => {
  const words = fc.array(fc.constantFrom("a", "b", "c", "the", "falcon"), { maxLength: 40 });
  fc.assert(
    fc.property(words, words, fc.boolean(), (own, reference, hasTokens) => {
      const [mine, theirs] = [own.join(" "), reference.join(" ")];
      const { runs, unit } = diffAnswers(answer(mine, hasTokens), answer(theirs, hasTokens));
      const without = (kind: string) =>
        runs
          .filter((run) => run.kind !== kind)
          .flatMap(({ pieces }) => pieces)
          .join("");
      expect(unit).toBe(hasTokens ? "token" : "word");
      expect(without("removed")).toBe(mine);
      if (hasTokens) expect(without("inserted")).toBe(theirs);
    }),
  );
});

test("answers too far apart are the same up to where they part, and different from there on", () => {
  const long = (word: string) => `begin ${Array.from({ length: 2_000 }, (_, i) => `${word}${i}`).join(" ")}`;
  const { runs } = diffAnswers(answer(long("x"), true), answer(long("y"), true));
  expect(runs.map(({ kind, pieces }) => [kind, pieces.length])).toEqual([
    ["same", 1],
    ["removed", 2_000],
    ["inserted", 2_000],
  ]);
});

test("a word is quoted for a shell only where it must be", () => {
  expect(shellWord("results/quant/x.yaml")).toBe("results/quant/x.yaml");
  expect(shellWord("a b")).toBe("'a b'");
  expect(shellWord("it's")).toBe("'it'\\''s'");
});

test("the command to run it again has every --set of the run, quoted for a shell", () => {
  const data = groupRecords(fakeRun().records, "records.jsonl");
  const plan = { ...data.run.plan, overrides: ["repeats=2", "matrix.quantization=[none, fp4]"] };
  const { text } = againSection({ ...data, run: { ...data.run, plan } });
  expect(text).toContain("experiment.yaml --set repeats=2 --set &#39;matrix.quantization=[none, fp4]&#39;");
});
