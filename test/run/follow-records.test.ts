import { appendFileSync, renameSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { type Followed, followRecords } from "../../src/run/follow-records.js";
import type { RunPaths } from "../../src/run/paths.js";
import { THREE, toJsonl } from "../fixtures/records.js";
import { scratchFolder } from "../fixtures/run-folder.js";
import { addRun, makeRecords } from "../fixtures/run-on-disk.js";

const RUN = "quant/20261124T020000Z-0001";
const RECORDS = makeRecords("20261124T020000Z-0001");
const KINDS = RECORDS.map(({ kind }) => kind);
const LINES = RECORDS.map((record) => toJsonl([record]));

/** Follows a run that starts with `lines`; looks at the file every `pollMs` even if the system reports no change. */
function following(lines: readonly string[], isWritten = async () => true, pollMs = 100) {
  const paths = addRun(scratchFolder(), RUN, lines.join(""));
  const stop = new AbortController();
  const steps = followRecords(paths, { isWritten, signal: stop.signal, pollMs });
  const next = async () => (await steps.next()).value as Followed | undefined;
  return { paths, stop, next };
}

const listKinds = (followed: Followed | undefined) =>
  followed?.type === "records" ? followed.records.map(({ kind }) => kind) : followed;

/** Returns all kinds up to the end, however the records were grouped, and the end itself. */
async function drained(next: () => Promise<Followed | undefined>) {
  const kinds: string[] = [];
  for (;;) {
    const followed = await next();
    if (followed?.type !== "records") return { kinds, end: followed };
    kinds.push(...followed.records.map(({ kind }) => kind));
  }
}

test("what is there comes first, then each record as it is written, then the end", async () => {
  const { paths, next } = following(LINES.slice(0, 2));
  expect(listKinds(await next())).toEqual(KINDS.slice(0, 2));
  for (const [index, line] of LINES.entries()) {
    if (index < 2) continue;
    const waiting = next();
    appendFileSync(paths.records, line);
    expect(listKinds(await waiting)).toEqual([KINDS[index]]);
  }
  expect(await next()).toEqual({ type: "end", why: "ended" });
  expect(await next()).toBeUndefined();
});

test("a line that is not whole yet is waited for, wherever it is cut", async () => {
  const line = Buffer.from(LINES[2] ?? "");
  for (const cut of [1, 30, line.length - 1]) {
    const { paths, next } = following(LINES.slice(0, 2));
    await next();
    appendFileSync(paths.records, line.subarray(0, cut));
    const waiting = next();
    appendFileSync(paths.records, line.subarray(cut));
    expect(listKinds(await waiting)).toEqual([KINDS[2]]);
  }
});

test("where the system tells of no change, the file is looked at all the same", async () => {
  const { paths, next } = following(LINES.slice(0, 2), async () => true, 10);
  await next();
  // Another file under the same name: a watch on the first file does not notice what is appended to this one.
  const copy = join(paths.folder, "copy");
  writeFileSync(copy, LINES.slice(0, 2).join(""));
  renameSync(copy, paths.records);
  const waiting = next();
  appendFileSync(paths.records, LINES[2] ?? "");
  expect(listKinds(await waiting)).toEqual([KINDS[2]]);
});

test("when the writer goes, all that it wrote comes before that is said", async () => {
  let isAlive = true;
  const { paths, next } = following(LINES.slice(0, 2), async () => isAlive);
  await next();
  const rest = drained(next);
  appendFileSync(paths.records, LINES.slice(2, 5).join(""));
  isAlive = false;
  const { kinds, end } = await rest;
  expect(kinds).toEqual(KINDS.slice(2, 5));
  expect(end).toEqual({ type: "end", why: "writer-gone" });
});

test("a run that goes on after its end is followed on", async () => {
  const again = makeRecords("20261124T020000Z-0001", { configurations: THREE.slice(0, 1) }).slice(1);
  const { next } = following([...LINES, ...again.map((record) => toJsonl([record]))]);
  const { kinds, end } = await drained(next);
  expect(kinds).toEqual([...KINDS, ...again.map(({ kind }) => kind)]);
  expect(end).toEqual({ type: "end", why: "ended" });
});

test.each([
  ["removed", ({ records }: RunPaths) => rmSync(records)],
  ["replaced by a shorter one", ({ records }: RunPaths) => truncateSync(records, 10)],
])("a file that is %s ends it", async (_how, change) => {
  const { paths, next } = following(LINES.slice(0, 2));
  await next();
  const waiting = next();
  change(paths);
  expect(await waiting).toEqual({ type: "end", why: "removed" });
});

test("it can be told to stop while it waits", async () => {
  const { stop, next } = following(LINES.slice(0, 2));
  await next();
  const waiting = next();
  stop.abort();
  expect(await waiting).toBeUndefined();
});

test("damaged lines are counted, and the others come", async () => {
  const { next } = following([LINES[0] ?? "", "{}\n", "\0\n", LINES[1] ?? ""]);
  expect(await next()).toMatchObject({ type: "records", damaged: 2, records: [{ kind: "run" }, {}] });
});
