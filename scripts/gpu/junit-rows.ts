/** The report of `python -m pytest -m gpu` as rows: those that a test noted, else one per test. Pure. */
import type { Result, Row } from "./rows.js";

interface NotedRow {
  readonly what: string;
  readonly figure: string;
  readonly expected: string;
}

/** `junit` is what `--junitxml` writes. If a test notes several rows, each of them gets the result of the test. */
export function readJunitRows(junit: string): Row[] {
  const rows = Array.from(
    junit.matchAll(/<testcase ([^>]*?)(?:\/>|>([\s\S]*?)<\/testcase>)/g),
    ([, attributes = "", body = ""]) => {
      const { result, reason } = readResult(body);
      const noted = Array.from(body.matchAll(/<property name="figure" value="([^"]*)"/g), ([, value = ""]) =>
        JSON.parse(unescapeXml(value)),
      ) as NotedRow[];
      const title = { what: readTitle(attributes), figure: "", expected: "" };
      return (noted.length > 0 ? noted : [title]).map((row) => ({ ...row, result, reason }));
    },
  );
  return rows.flat();
}

function readResult(body: string): { result: Result; reason: string } {
  const broken = /<(failure|error)\b(?: message="([^"]*)")?/.exec(body);
  if (broken !== null)
    return { result: "FAILED", reason: takeFirstLine(unescapeXml(broken[2] ?? "no reason was told")) };
  const skipped = /<skipped\b[^>]*? message="([^"]*)"/.exec(body);
  if (skipped !== null) return { result: "skipped", reason: unescapeXml(skipped[1] ?? "") };
  return { result: "ok", reason: "" };
}

/** `test_a_worker_starts[none]` → `a worker starts [none]`. */
function readTitle(attributes: string): string {
  const name = unescapeXml(/(?:^|\s)name="([^"]*)"/.exec(attributes)?.[1] ?? "a test without a name");
  const [plain = "", parameters] = name.split(/(?=\[)/);
  const title = plain.replace(/^test_/, "").replaceAll("_", " ");
  return parameters === undefined ? title : `${title} ${parameters}`;
}

function takeFirstLine(text: string): string {
  return (text.split("\n")[0] ?? "").slice(0, 200);
}

const ENTITIES: Readonly<Record<string, string>> = { lt: "<", gt: ">", quot: '"', apos: "'", amp: "&" };

function unescapeXml(text: string): string {
  return text.replaceAll(/&(?:#x([0-9a-f]+)|#(\d+)|(\w+));/gi, (whole, hex, decimal, name) => {
    if (hex !== undefined) return String.fromCodePoint(Number.parseInt(hex, 16));
    if (decimal !== undefined) return String.fromCodePoint(Number(decimal));
    return ENTITIES[name] ?? whole;
  });
}
