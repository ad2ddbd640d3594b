import { createServer, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { execa } from "execa";
import { afterEach, expect, test } from "vitest";
import { packageRoot } from "../../src/base/program.js";
import { scratchFolder } from "../fixtures/run-folder.js";

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

type Answer = (path: string, body: string, response: ServerResponse) => void;

/** Starts an HTTP service that stands in for npm's and OSV's; it keeps what it is asked for. */
async function advisoryService(answer: Answer): Promise<{ readonly url: string; readonly asked: string[] }> {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const bytes = Buffer.concat(chunks);
      const body = (request.headers["content-encoding"] === "gzip" ? gunzipSync(bytes) : bytes).toString();
      asked.push(body);
      response.setHeader("content-type", "application/json");
      answer(request.url ?? "", body, response);
    });
  });
  servers.push(server);
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked };
}

/** Runs the real script with the real npm and pip-audit, which ask `url`. */
async function audit(url: string, args: readonly string[] = []) {
  const root = packageRoot();
  const { exitCode, stdout } = await execa("tsx", [join(root, "scripts", "audit.ts"), ...args], {
    cwd: root,
    preferLocal: true,
    reject: false,
    env: {
      npm_config_registry: url,
      // npm caches what it was told about a package.
      npm_config_cache: scratchFolder(),
      PIP_AUDIT_VULNERABILITY_SERVICE: "osv",
      PIP_AUDIT_OSV_URL: `${url}/v1/query`,
    },
  });
  return { exitCode, stdout };
}

const isNpm = (path: string) => path.endsWith("/advisories/bulk");

test("where nothing is known of any locked package, in either language, the audit passes", async () => {
  const { url, asked } = await advisoryService((_path, _body, response) => response.end("{}"));
  const { exitCode, stdout } = await audit(url);
  expect(stdout.match(/: 0 known vulnerabilities/g)).toHaveLength(3);
  expect(exitCode).toBe(0);
  for (const name of ["zeromq", "vega", "transformers", "torch", "mlflow-skinny", "lm-eval", "pytest"]) {
    expect(
      asked.some((body) => body.includes(`"${name}"`)),
      name,
    ).toBe(true);
  }
});

test("a known vulnerability of a locked package is named, and the audit fails", async () => {
  const { url } = await advisoryService((path, body, response) => {
    const npm = {
      hono: [{ id: 1, url, title: "it reads too much", severity: "high", vulnerable_versions: ">=4.0.0" }],
    };
    const osv = { vulns: [{ id: "PYSEC-2026-1", modified: "2026-01-01T00:00:00Z", affected: [] }] };
    if (isNpm(path)) response.end(JSON.stringify(npm));
    else if (path.startsWith("/v1/")) response.end(body.includes('"pyzmq"') ? JSON.stringify(osv) : "{}");
    // npm looks for a version that is not vulnerable.
    else response.writeHead(404).end("{}");
  });
  const { exitCode, stdout } = await audit(url, ["--locks-suffice"]);
  expect(stdout).toContain("VULNERABLE: package-lock.json: hono (high) >=4.0.0: it reads too much\n");
  expect(stdout).toContain("VULNERABLE: package-lock.json: @hono/node-server (high) through hono\n");
  expect(stdout).toMatch(/^VULNERABLE: .*worker\.lock: pyzmq [\d.]+: PYSEC-2026-1$/m);
  expect(exitCode).toBe(1);
});

test("a service that refuses is no answer: it is said, and passes only where whole locks are all that is wanted", async () => {
  const { url } = await advisoryService((_path, _body, response) => {
    response.statusCode = 405;
    response.end("{}");
  });
  const { exitCode, stdout } = await audit(url);
  expect(stdout.match(/^NOT AUDITED: /gm)).toHaveLength(3);
  expect(stdout).not.toContain(url);
  expect(exitCode).toBe(2);
  expect((await audit(url, ["--locks-suffice"])).exitCode).toBe(0);
});

test("where the locks alone are wanted, nobody is asked", async () => {
  const { url, asked } = await advisoryService((_path, _body, response) => response.end("{}"));
  const { exitCode, stdout } = await audit(url, ["--locks-only"]);
  expect(stdout).toMatch(/^locks: whole \(.*\)\n?$/);
  expect(asked).toEqual([]);
  expect(exitCode).toBe(0);
});
