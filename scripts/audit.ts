/**
 * `npm run audit`: checks whether the dependencies of both languages are what they claim to be, and whether any of them is
 * known to be vulnerable.
 *
 * The locks are always checked: exit 1 if something is wrong with them, or if a vulnerability is known. Whatever could not be
 * asked about is printed as `NOT AUDITED: …` and never counts as passed: exit 2, unless --locks-suffice is given. With
 * --locks-only no service is asked. pip-audit comes with the tests' own Python, which is made if FALCON_EXP_TEST_PYTHON does
 * not name one.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { packageRoot } from "../src/base/program.js";
import { askNpm, askPip } from "./audit-advisories.js";
import { npmProblems, pipProblems } from "./audit-locks.js";
import { prepareDevPython } from "./dev-python.js";

/** The lock without hashes, because pip picks the build of torch for the machine. */
const WITHOUT_HASHES = "torch.lock";

const { values } = parseArgs({
  options: {
    "locks-only": { type: "boolean", default: false },
    "locks-suffice": { type: "boolean", default: false },
  },
});
const root = packageRoot();
const requirements = join(root, "python", "requirements");
const locks = readdirSync(requirements).filter((name) => name.endsWith(".lock"));
const read = (...path: string[]) => readFileSync(join(root, ...path), "utf8");

const problems = [
  ...npmProblems(read("package.json"), read("package-lock.json")),
  ...npmProblems(
    read("test", "node-lts", "package.json"),
    read("test", "node-lts", "package-lock.json"),
    "test/node-lts/",
  ),
  ...locks.flatMap((name) => pipProblems(name, read("python", "requirements", name))),
];
for (const problem of problems) console.log(problem);
console.log(
  `locks: ${problems.length === 0 ? "whole" : `${problems.length} problems`} (npm, ${locks.join(", ")})`,
);

const { vulnerable, unasked } = values["locks-only"]
  ? { vulnerable: 0, unasked: 0 }
  : await askForVulnerabilities();
if (problems.length > 0 || vulnerable > 0) process.exitCode = 1;
else if (unasked > 0 && !values["locks-suffice"]) process.exitCode = 2;

/** Prints what is known. Returns the number of vulnerabilities and the number of questions that were not answered. */
async function askForVulnerabilities(): Promise<{ readonly vulnerable: number; readonly unasked: number }> {
  const python = process.env.FALCON_EXP_TEST_PYTHON ?? (await prepareDevPython(root)).interpreter;
  const hashed = locks.filter((name) => name !== WITHOUT_HASHES);
  const questions = [
    ["package-lock.json", () => askNpm(root)],
    [hashed.join(", "), () => askPip(python, requirements, hashed)],
    [WITHOUT_HASHES, () => askPip(python, requirements, [WITHOUT_HASHES])],
  ] as const;
  let vulnerable = 0;
  let unasked = 0;
  for (const [what, ask] of questions) {
    const verdict = await ask();
    if ("notAudited" in verdict) {
      unasked += 1;
      console.log(`NOT AUDITED: ${what}: ${verdict.notAudited}`);
      continue;
    }
    vulnerable += verdict.vulnerable.length;
    for (const one of verdict.vulnerable) console.log(`VULNERABLE: ${what}: ${one}`);
    console.log(`${what}: ${verdict.vulnerable.length} known vulnerabilities`);
  }
  if (unasked > 0)
    console.log(
      `${unasked} of ${questions.length} were NOT AUDITED: nothing is known of their vulnerabilities.`,
    );
  return { vulnerable, unasked };
}
