/**
 * Asks `npm audit` and pip-audit for known vulnerabilities in the locked dependencies. Which services these tools ask is set
 * with their own variables: `npm_config_registry`, `PIP_AUDIT_VULNERABILITY_SERVICE`, `PIP_AUDIT_OSV_URL`.
 */
import { execa } from "execa";
import { z } from "zod";
import { parseJson } from "../src/base/json.js";

/** One sentence per vulnerability, or the reason why nothing could be found out. */
export type Verdict = { readonly vulnerable: readonly string[] } | { readonly notAudited: string };

const npmAuditSchema = z.object({
  vulnerabilities: z.record(
    z.string(),
    z.object({
      severity: z.string(),
      /** Advisories of the package itself, and names of packages through which it is vulnerable. */
      via: z.array(z.union([z.string(), z.object({ title: z.string(), range: z.string() })])),
    }),
  ),
});

/** Audits package-lock.json in `folder`. */
export async function askNpm(folder: string): Promise<Verdict> {
  const { stdout } = await execa("npm", ["audit", "--json"], {
    cwd: folder,
    reject: false,
    timeout: 120_000,
  });
  const json = parseJson(stdout);
  const answer = npmAuditSchema.safeParse(json);
  if (!answer.success) {
    const message = z.object({ message: z.string() }).safeParse(json).data?.message ?? "no JSON came";
    return { notAudited: `npm's advisory service did not answer: ${withoutAddresses(message)}` };
  }
  const found = Object.entries(answer.data.vulnerabilities);
  return {
    vulnerable: found.map(([name, { severity, via }]) => {
      const causes = via.map((one) =>
        typeof one === "string" ? `through ${one}` : `${one.range}: ${one.title}`,
      );
      return `${name} (${severity}) ${causes.join("; ")}`;
    }),
  };
}

const pipAuditSchema = z.object({
  dependencies: z.array(
    z.object({
      name: z.string(),
      version: z.string().optional(),
      vulns: z.array(z.object({ id: z.string() })).default([]),
      skip_reason: z.string().optional(),
    }),
  ),
});

/** Audits lock files in `folder`; either all of them have hashes, or none has. `python` is an interpreter that has pip-audit. */
export async function askPip(python: string, folder: string, locks: readonly string[]): Promise<Verdict> {
  const files = locks.flatMap((lock) => ["--requirement", lock]);
  const args = ["--format", "json", "--progress-spinner", "off", "--disable-pip", "--no-deps", ...files];
  const result = await execa(python, ["-m", "pip_audit", ...args], {
    cwd: folder,
    reject: false,
    timeout: 600_000,
  });
  const answer = pipAuditSchema.safeParse(parseJson(result.stdout ?? ""));
  if (!answer.success) {
    const said = (result.stderr ?? "").trim();
    const last = said === "" ? result.shortMessage : said.split("\n").at(-1);
    return { notAudited: `pip-audit found no answer: ${withoutAddresses(last ?? "")}` };
  }
  const { dependencies } = answer.data;
  const skipped = dependencies.flatMap(({ name, skip_reason }) =>
    skip_reason === undefined ? [] : [`${name}: ${withoutAddresses(skip_reason)}`],
  );
  if (skipped.length > 0) {
    const [first] = skipped;
    return { notAudited: `${skipped.length} of ${dependencies.length} packages are unknown, as ${first}` };
  }
  return {
    vulnerable: dependencies.flatMap(({ name, version, vulns }) =>
      vulns.map(({ id }) => `${name} ${version ?? ""}: ${id}`),
    ),
  };
}

/** Replaces addresses, because hosts are of no use to a reader and none is named in this project. */
function withoutAddresses(message: string): string {
  return message.replaceAll(/https?:\/\/\S+/g, "its address").slice(0, 200);
}
