import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const root = fileURLToPath(new URL("../../", import.meta.url));

/** Every source file that ships. Its comments are skipped below, because a shell's name in a comment is not a use of it. */
function sources(
  folder: string,
  extension: string,
): readonly { readonly path: string; readonly text: string }[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(extension))
    .map((name) => ({ path: `${folder}/${name}`, text: readFileSync(join(root, folder, name), "utf8") }));
}

/** Ways to hand a string to a shell, or to run text as code. */
const IN_TYPESCRIPT =
  /\bshell\s*:|\bexec(Sync)?\(|execaCommand|\$\.sync|from "node:child_process"|\beval\(|new Function\(/;
const IN_PYTHON =
  /\bshell\s*=|\bos\.(system|popen)\b|\bgetoutput\b|\bgetstatusoutput\b|(?<![.\w])(eval|exec)\(/;
const SHELL_WORD = /["'`](\/bin\/)?(ba|z|da)?sh["'`]/;

test.each([
  ["src", ".ts", IN_TYPESCRIPT],
  ["python/falcon_exp", ".py", IN_PYTHON],
] as const)(
  "no source under %s hands a string to a shell or runs text as code",
  (folder, extension, pattern) => {
    const files = sources(folder, extension);
    expect(files.length).toBeGreaterThan(20);
    const uses = files.flatMap(({ path, text }) =>
      text.split("\n").flatMap((line, index) => {
        const code = line.replace(/^\s*(\*|\/\/|#).*/, "");
        // The `exec` method of a regular expression starts no process.
        const isUse =
          (pattern.test(code) && !/\/[a-z]*\.exec\(|\b[A-Z_]+\.exec\(/.test(code)) || SHELL_WORD.test(code);
        return isUse ? [`${path}:${index + 1}: ${line.trim()}`] : [];
      }),
    );
    expect(uses).toEqual([]);
  },
);

test.each([
  [IN_TYPESCRIPT, "execa(command, { shell: true })"],
  [IN_TYPESCRIPT, 'import { exec } from "node:child_process";'],
  [IN_PYTHON, "subprocess.run(text, shell=True)"],
  [IN_PYTHON, "os.system(text)"],
  [SHELL_WORD, 'execa("sh", ["-c", text])'],
])("%s would find %s", (pattern, line) => {
  expect(pattern.test(line)).toBe(true);
});
