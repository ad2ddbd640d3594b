import { mkdirSync, readdirSync, rmSync, symlinkSync, utimesSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import { join } from "node:path";
import { expect, test } from "vitest";
import { THREE } from "../fixtures/records.js";
import { scratchFolder } from "../fixtures/run-folder.js";
import { addRun } from "../fixtures/run-on-disk.js";
import { serve } from "../fixtures/server.js";

const RUN = "quant/20261124T020000Z-0001";

/** Sends the path and the Host header as they are written; `fetch` would tidy them up. */
function raw(url: string, path: string, options: { method?: string; host?: string } = {}) {
  return new Promise<{ status: number; headers: Record<string, unknown>; body: string }>(
    (resolve, reject) => {
      const { hostname, port, host } = new URL(url);
      const sent = request(
        { hostname, port, path, method: options.method ?? "GET", headers: { host: options.host ?? host } },
        (answer) => {
          let body = "";
          answer.setEncoding("utf8");
          answer.on("data", (chunk: string) => {
            body += chunk;
          });
          answer.on("end", () => resolve({ status: answer.statusCode ?? 0, headers: answer.headers, body }));
        },
      );
      sent.on("error", reject);
      sent.end();
    },
  );
}

test("it listens on this machine alone, on a port that is free", async () => {
  const { url } = await serve(scratchFolder());
  expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/$/);
  expect((await raw(url, "/")).status).toBe(200);
});

test.each([
  "evil.example",
  "evil.example:80",
  "127.0.0.1.evil.example",
  "192.168.0.1",
  "localhost@evil.example",
])("asked as %j it refuses: a stranger's name may be made to lead here", async (host) => {
  const results = scratchFolder();
  addRun(results, RUN);
  const { url } = await serve(results);
  const answer = await raw(url, "/", { host });
  expect([400, 403]).toContain(answer.status);
  expect(answer.body).not.toContain("20261124T020000Z");
});

test("a forwarded port has another number, and is answered", async () => {
  const { url } = await serve(scratchFolder());
  expect((await raw(url, "/", { host: "localhost:9999" })).status).toBe(200);
});

test.each(["POST", "PUT", "DELETE", "PATCH", "OPTIONS"])(
  "%s is refused: the server only reads",
  async (method) => {
    const { url } = await serve(scratchFolder());
    const answer = await raw(url, "/", { method });
    expect(answer.status).toBe(405);
    expect(answer.headers.allow).toBe("GET, HEAD");
  },
);

test("every answer carries a strict policy, refusals too", async () => {
  const { url } = await serve(scratchFolder());
  for (const answer of [
    await raw(url, "/"),
    await raw(url, "/none"),
    await raw(url, "/assets/serve.js"),
    await raw(url, "/", { host: "evil.example" }),
  ]) {
    expect(answer.headers).toMatchObject({
      "content-security-policy": expect.stringContaining("default-src 'none'; script-src 'self'"),
      "x-content-type-options": "nosniff",
      "cross-origin-resource-policy": "same-origin",
      "referrer-policy": "no-referrer",
    });
  }
});

test("nothing outside the results folder is ever sent", async () => {
  const outside = scratchFolder();
  addRun(outside, "secret/20261124T020000Z-0009");
  const results = join(outside, "results");
  addRun(results, RUN);
  symlinkSync(join(outside, "secret"), join(results, "linked"));
  mkdirSync(join(results, "quant/20261124T020000Z-0002"));
  symlinkSync(
    join(outside, "secret/20261124T020000Z-0009/records.jsonl"),
    join(results, "quant/20261124T020000Z-0002/records.jsonl"),
  );
  writeFileSync(join(outside, "secret.txt"), "secret");
  const { url, defects } = await serve(results);
  const id = "20261124T020000Z-0009";
  for (const path of [
    `/runs/../secret/${id}/report.html`,
    `/runs/..%2fsecret/${id}/report.html`,
    `/runs/%2e%2e/secret/${id}/report.html`,
    `/runs/%2e%2e%2fsecret%2f${id}/report.html`,
    `/runs/..%5csecret/${id}/report.html`,
    `/runs/%252e%252e/secret/${id}/report.html`,
    `/runs/linked/${id}/report.html`,
    `/runs/linked/${id}/events`,
    "/runs/quant/20261124T020000Z-0002/report.html",
    `/runs/${RUN}/records.jsonl`,
    `/runs/${RUN}/../../../secret.txt`,
    "/runs/%00/report.html",
    "/runs/%ff/report.html",
    "/runs//report.html",
    "/runs/report.html",
    "/assets/..%2f..%2fpackage.json",
    "/assets/serve.css/",
    "//etc/passwd",
  ]) {
    expect((await raw(url, path)).status, path).toBe(404);
  }
  expect((await raw(url, `/runs/${RUN}/report.html`)).status).toBe(200);
  const compared = await raw(url, `/compare?side=../secret/${id}&side=${RUN}`);
  expect(compared.body).toContain("There is no run");
  expect(defects).toEqual([]);
});

test("it only reads: no file is made or changed", async () => {
  const results = scratchFolder();
  const paths = addRun(results, RUN);
  const { url } = await serve(results);
  for (const path of ["/", `/runs/${RUN}/report.html`, `/runs/${RUN}/live`, `/runs/${RUN}/events`]) {
    expect((await raw(url, path)).status).toBe(200);
  }
  expect(readdirSync(paths.folder)).toEqual(["records.jsonl"]);
});

test("a written report is sent where it is newer than the records, and never one that lies elsewhere", async () => {
  const results = scratchFolder();
  const paths = addRun(results, RUN);
  const { url } = await serve(results);
  const report = async () => (await raw(url, `/runs/${RUN}/report.html`)).body;
  const file = join(paths.folder, "report.html");
  writeFileSync(file, "the written one");
  utimesSync(paths.records, 1000, 1000);
  expect(await report()).toMatch(/<a href="\/">.*the written one$/);
  utimesSync(file, 999, 999);
  expect(await report()).toContain("1.65× smaller");
  rmSync(file);
  writeFileSync(join(results, "secret"), "secret");
  symlinkSync(join(results, "secret"), file);
  expect(await report()).toContain("1.65× smaller");
});

test("a run that cannot be read is a page with the reason, and the list goes on", async () => {
  const results = scratchFolder();
  addRun(results, RUN, "");
  addRun(results, "quant/20261124T020000Z-0002");
  addRun(results, "quant/20261124T020000Z-0003", '{"schema_version":99,"kind":"run"}\n');
  const { url, defects } = await serve(results);
  const list = await raw(url, "/");
  const listed = Array.from(list.body.matchAll(/quant\/20261124T020000Z-\d{4}(?=<)/g), ([path]) => path);
  expect(listed).toEqual([3, 2, 1].map((number) => `quant/20261124T020000Z-000${number}`));
  expect(list.body).toContain("no record says what was to be measured");
  expect(list.body).toContain("3 of 3 runs");
  for (const [run, words] of [
    [RUN, "results-run-missing"],
    ["quant/20261124T020000Z-0003", "results-schema-newer"],
  ]) {
    const page = await raw(url, `/runs/${run}/report.html`);
    expect(page.status).toBe(422);
    expect(page.body).toContain(words);
  }
  expect((await raw(url, "/runs/quant/20261124T020000Z-0003/events")).body).toContain("event: problem");
  expect(defects).toEqual([]);
});

test("the list is filtered and sorted by its address, and what it does not understand is ignored", async () => {
  const results = scratchFolder();
  addRun(results, "quant/20261124T020000Z-0001");
  addRun(results, "fast/20261125T020000Z-0002", {
    configurations: THREE.map((one, i) => (i === 2 ? { ...one, failsAtLoad: {} } : one)),
  });
  addRun(results, "quant/20261126T020000Z-0003");
  const { url } = await serve(results);
  const rows = async (query: string) =>
    Array.from(
      (await raw(url, `/${query}`)).body.matchAll(/name="side" value="([^"]*)"/g),
      ([, path]) => path,
    );
  expect(await rows("")).toEqual([
    "quant/20261126T020000Z-0003",
    "fast/20261125T020000Z-0002",
    "quant/20261124T020000Z-0001",
  ]);
  expect(await rows("?sort=run&order=asc")).toEqual([
    "fast/20261125T020000Z-0002",
    "quant/20261124T020000Z-0001",
    "quant/20261126T020000Z-0003",
  ]);
  expect(await rows("?status=partly_failed")).toEqual(["fast/20261125T020000Z-0002"]);
  expect(await rows("?status=nonsense")).toEqual([]);
  expect(await rows("?sort=constructor&order=%00&page=-1")).toHaveLength(3);
});

test("what changes on the disk shows at once, though what does not is read only once", async () => {
  const results = scratchFolder();
  addRun(results, RUN);
  const { url } = await serve(results);
  expect((await raw(url, "/")).body).toContain("15/15");
  addRun(results, RUN, { configurations: THREE.map((one, i) => (i === 1 ? { ...one, cutAfter: 2 } : one)) });
  const body = (await raw(url, "/")).body;
  expect(body).toContain("7/15");
  expect(body).toContain("killed");
});

test("a port that is taken is an error with a next step", async () => {
  const { url } = await serve(scratchFolder());
  const { startServer } = await import("../../src/serve/server.js");
  const { silentLog } = await import("../../src/base/log.js");
  const port = Number(new URL(url).port);
  await expect(
    startServer({ resultsFolder: scratchFolder(), program: "falcon-exp", port, log: silentLog }),
  ).rejects.toMatchObject({
    code: "serve-port-unusable",
    next: expect.stringContaining("--port"),
  });
});

test("without runs the page says what to do", async () => {
  const { url } = await serve(join(scratchFolder(), "none"));
  expect((await raw(url, "/")).body).toContain("<pre>npx falcon-exp run experiments/quant.yaml</pre>");
});
