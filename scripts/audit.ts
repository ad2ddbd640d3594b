/**
 * `npm run audit`: are the dependencies of both languages what they are said to be, and is any known to be vulnerable?
 *
 * The locks are checked always: exit 1 where something is wrong with them, or where a vulnerability is known. What could
 * not be asked is said as `not audited: …` and is never counted as passed: exit 2, unless --locks-suffice.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { execa } from "execa";
import { z } from "zod";
import { packageRoot } from "../src/base/package-root.js";
import { npmProblems, pipProblems } from "./audit-locks.js";

const { values } = parseArgs({ options: { "locks-suffice": { type: "boolean", default: false } } });
const root = packageRoot();
const read = (path: string) => readFileSync(join(root, path), "utf8");
const requirements = join("python", "requirements");
const locks = readdirSync(join(root, requirements)).filter((name) => name.endsWith(".lock"));

type Verdict = { readonly vulnerable: readonly string[] } | { readonly notAudited: string };

const npmAuditSchema = z.object({
  vulnerabilities: z.record(z.string(), z.object({ severity: z.string(), range: z.string() })),
});

async function askNpm(): Promise<Verdict> {
  const { stdout } = await execa("npm", ["audit", "--json"], { cwd: root, reject: false, timeout: 120_000 });
  const answer = parsed(npmAuditSchema, stdout);
  if (answer === null)
    return { notAudited: `npm's advisory service did not answer: ${firstMessage(stdout)}` };
  const found = Object.entries(answer.vulnerabilities);
  return { vulnerable: found.map(([name, { severity, range }]) => `${name} ${range} (${severity})`) };
}

const pipAuditSchema = z.object({
  dependencies: z.array(
    z.object({ name: z.string(), vulns: z.array(z.object({ id: z.string() })).optional() }),
  ),
});

async function askPip(lock: string): Promise<Verdict> {
  const args = ["--format", "json", "--disable-pip", "--no-deps", "--requirement", join(requirements, lock)];
  const result = await execa("pip-audit", args, { cwd: root, reject: false, timeout: 300_000 });
  const answer = parsed(pipAuditSchema, result.stdout ?? "");
  if (answer === null) {
    const reason =
      result.exitCode === undefined ? "pip-audit is not installed" : lastLine(result.stderr ?? "");
    return { notAudited: reason };
  }
  const found = answer.dependencies.flatMap(({ name, vulns = [] }) =>
    vulns.map(({ id }) => `${name}: ${id}`),
  );
  return { vulnerable: found };
}

function parsed<S extends z.ZodType>(schema: S, text: string): z.infer<S> | null {
  try {
    return schema.parse(JSON.parse(text));
  } catch {
    return null;
  }
}

function firstMessage(text: string): string {
  const message = parsed(z.object({ message: z.string() }), text)?.message ?? "no JSON came";
  return message.replaceAll(/https?:\/\/\S+/g, "its address").slice(0, 200);
}

function lastLine(text: string): string {
  return text.trimEnd().split("\n").at(-1)?.slice(0, 200) ?? "";
}

const problems = [
  ...npmProblems(read("package.json"), read("package-lock.json")),
  ...locks.flatMap((name) => pipProblems(name, read(join(requirements, name)))),
];
for (const problem of problems) console.log(problem);
console.log(
  `locks: ${problems.length === 0 ? "whole" : `${problems.length} problems`} (npm, ${locks.join(", ")})`,
);

let vulnerable = 0;
let unasked = 0;
const questions = [["npm", askNpm], ...locks.map((lock) => [lock, () => askPip(lock)] as const)] as const;
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
if (problems.length > 0 || vulnerable > 0) process.exitCode = 1;
else if (unasked > 0 && !values["locks-suffice"]) process.exitCode = 2;
