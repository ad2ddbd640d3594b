/** Reads prompt files of the usual formats into rows, each with its place in the file. */
import { extname } from "node:path";
import { gunzipSync } from "node:zlib";
import { CsvError, parse } from "csv-parse/sync";
import { parseDocument } from "yaml";
import type { ReadFile } from "./read-text.js";

export interface PromptRow {
  /** `line 3`, `row 2`, `item 2`. */
  readonly where: string;
  readonly value: unknown;
}

export const PROMPT_FILE_KINDS =
  ".txt (one prompt per line), .jsonl, .json, .yaml, .csv or .tsv, each also as .gz";

/** Wraps `readFile` so that files ending in `.gz` are unpacked; fails if one unpacks to more than `maxBytes`. */
export function unpacking(readFile: ReadFile): ReadFile {
  return async (path, maxBytes) => {
    const bytes = await readFile(path, maxBytes);
    if (!path.toLowerCase().endsWith(".gz")) return bytes;
    return gunzipSync(bytes, { maxOutputLength: maxBytes });
  };
}

/** Reads the rows of a prompt file by its extension. Throws Error, whose message says what is wrong with the file and where. */
export function parsePromptRows(text: string, name: string): readonly PromptRow[] {
  const extension = extname(name.replace(/\.gz$/i, "")).toLowerCase();
  switch (extension) {
    case ".txt":
      return listLines(text);
    case ".jsonl":
    case ".ndjson":
      return parseJsonLines(text);
    case ".json":
      return listItems(parseJson(text, "it"));
    case ".yaml":
    case ".yml":
      return listItems(parseYaml(text));
    case ".csv":
      return listTable(text, ",");
    case ".tsv":
      return listTable(text, "\t");
    default:
      throw new Error(`${extension === "" ? "a file without an extension" : extension} is not known`);
  }
}

/** Reads one JSON value per line. Throws Error as `parsePromptRows` does. */
export function parseJsonLines(text: string): readonly PromptRow[] {
  return listLines(text).map(({ where, value }) => ({ where, value: parseJson(value, where) }));
}

function listLines(text: string): readonly { readonly where: string; readonly value: string }[] {
  return text
    .split(/\r\n|\r|\n/)
    .map((line, index) => ({ where: `line ${index + 1}`, value: line }))
    .filter(({ value }) => !isBlank(value));
}

/** Whether a line shows nothing; invisible characters (a zero-width space, a byte-order mark inside) do not make a prompt. */
function isBlank(line: string): boolean {
  return line.replace(/[\u200B\uFEFF]/g, "").trim() === "";
}

function parseJson(text: string, where: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new Error(`${where} is not JSON (${(cause as Error).message})`);
  }
}

function parseYaml(text: string): unknown {
  // Not "silent", because then a second document would not be an error.
  const document = parseDocument(text, { version: "1.2", schema: "core", logLevel: "error" });
  const [first] = document.errors;
  if (first !== undefined) throw first;
  return document.toJS({ maxAliasCount: 0 });
}

function listItems(value: unknown): readonly PromptRow[] {
  if (!Array.isArray(value)) {
    const keys = typeof value === "object" && value !== null ? Object.keys(value) : [];
    throw new Error(
      keys.length === 0
        ? "it holds no list"
        : `it is not a list, but a mapping with the keys ${keys.join(", ")}`,
    );
  }
  return value.map((item: unknown, index) => ({ where: `item ${index + 1}`, value: item }));
}

function listTable(text: string, delimiter: string): readonly PromptRow[] {
  try {
    const rows: unknown[] = parse(text, { columns: true, delimiter, skip_empty_lines: true });
    return rows.map((value, index) => ({ where: `row ${index + 1}`, value }));
  } catch (cause) {
    if (!(cause instanceof CsvError)) throw cause;
    throw new Error(`it is not a table: ${cause.message}`);
  }
}
