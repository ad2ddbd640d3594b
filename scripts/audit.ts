/**
 * `npm run audit`: are the dependencies of both languages what they are said to be, and is any known to be vulnerable?
 *
 * The locks are checked always: exit 1 where something is wrong with them, or where a vulnerability is known. What could
 * not be asked is said as `NOT AUDITED: …` and is never counted as passed: exit 2, unless --locks-suffice. With --locks-only
 * nobody is asked. pip-audit comes with the tests' own Python, which is made where FALCON_EXP_TEST_PYTHON does not name it.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { packageRoot } from "../src/base/program.js";
import { askNpm, askPip } from "./audit-advisories.js";
import { npmProblems, pipProblems } from "./audit-locks.js";
import { prepareDevPython } from "./dev-python.js";

/** Has no hashes: pip picks torch's build for the machine. */
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

/** Prints what is known; gives how many vulnerabilities that are, and how many questions nobody answered. */
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
