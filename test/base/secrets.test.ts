import fc from "fast-check";
import { expect, test } from "vitest";
import { redactStrings, secretsRedactor } from "../../src/base/secrets.js";

test.each([
  ["HF_TOKEN", "abcdefgh12345678"],
  ["HUGGING_FACE_HUB_TOKEN", "abcdefgh12345678"],
  ["WANDB_API_KEY", "abcdefgh12345678"],
  ["AWS_SECRET_ACCESS_KEY", "abc/defgh+12345678"],
  ["DB_PASSWORD", "correct horse battery"],
])("the value of %s is taken out wherever it stands", (name, value) => {
  const redact = secretsRedactor({ [name]: value });
  expect(redact(`a ${value}, b="${value}"`)).toBe('a [secret], b="[secret]"');
});

test.each([
  ["http://user:pw@proxy:8080/x", "http://[credentials]@proxy:8080/x"],
  ["git+ssh://token@host/repo", "git+ssh://[credentials]@host/repo"],
  ["see https://a:b@c.d and https://e.f", "see https://[credentials]@c.d and https://e.f"],
  ["https://hub/x?a=1&token=s3cret&b=2", "https://hub/x?a=1&token=[secret]&b=2"],
  ["https://s3/x?X-Amz-Signature=0af3", "https://s3/x?X-Amz-Signature=[secret]"],
  ["Authorization: Bearer abcdefgh.ijkl", "Authorization: Bearer [secret]"],
  ["Proxy-Authorization: Basic dXNlcjpwdw==", "Proxy-Authorization: Basic [secret]"],
  ["hf_AbCdEfGhIjKlMnOpQrSt is mine", "[secret] is mine"],
])("%s is kept as %s", (text, kept) => {
  expect(secretsRedactor({})(text)).toBe(kept);
});

test("what only looks like one stays: short values, e-mail addresses, names of variables", () => {
  const redact = secretsRedactor({ TOKENIZERS_PARALLELISM: "false", HF_TOKEN: "short" });
  for (const text of ["it is false", "a short text", "mail me@lab.org", "set HF_TOKEN", "8 tokens: 1 @ 2"]) {
    expect(redact(text)).toBe(text);
  }
});

test("a password in a proxy's URL is taken out where it stands alone, too", () => {
  const redact = secretsRedactor({ HTTPS_PROXY: "http://me:hunter2hunter2@proxy:1" });
  expect(redact("proxy refused hunter2hunter2")).toBe("proxy refused [secret]");
});

const secret = fc.stringMatching(/^[A-Za-z0-9+/_.-]{12,40}$/);

test("no planted secret survives in any text of any data, and what holds none is unchanged", () => {
  const name = fc.constantFrom("HF_TOKEN", "GITHUB_TOKEN", "MY_SECRET", "X_API_KEY", "PGPASSWORD");
  fc.assert(
    fc.property(
      name,
      secret,
      fc.string(),
      fc.string(),
      fc.jsonValue(),
      (variable, planted, before, after, rest) => {
        const redact = secretsRedactor({
          [variable]: planted,
          PIP_INDEX_URL: `https://me:${planted}@index/`,
        });
        const data = {
          message: `${before}${planted}${after}`,
          list: [`https://me:${planted}@index/simple`, { deep: `?token=${planted}` }],
          error: new Error(`failed with ${planted}`),
          rest,
        };
        expect(JSON.stringify(redactStrings(data, redact))).not.toContain(planted);
      },
    ),
  );
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      const text = JSON.stringify(value);
      fc.pre(!/[:=]|bearer|basic|hf_/i.test(text.replaceAll('":', "")));
      expect(redactStrings(value, secretsRedactor({ HF_TOKEN: "not-in-there-anywhere" }))).toEqual(value);
    }),
  );
});
