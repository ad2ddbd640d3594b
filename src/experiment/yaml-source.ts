/** A YAML text that, even after parsing and overrides, still knows where each of its values was written. */
import {
  type Document,
  isAlias,
  isCollection,
  isMap,
  isNode,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  type Pair,
  parseDocument,
  visit,
  type YAMLError,
} from "yaml";
import { FalconError, FalconErrorList, type SourcePlace } from "../base/errors.js";
import { ExitCode } from "../base/exit-codes.js";

export type Path = readonly PropertyKey[];

/** More aliases than any person writes; fewer than a "billion laughs" needs. */
const MAX_ALIAS_COUNT = 100;
/** A file with more duplicate keys is probably not an experiment at all. */
const MAX_DUPLICATES = 100;
/** Deeper than any experiment; also stops aliases that refer to themselves. */
const MAX_DEPTH = 50;

/** YAML 1.2, whatever the file's `%YAML` line says: `on` and `off` are not booleans, no tags, but merge keys (`<<`) work. */
const PARSE_OPTIONS = {
  version: "1.2",
  schema: "core",
  merge: true,
  resolveKnownTags: false,
  stringKeys: true,
  // The parser would compare each key with every other key; `duplicateKeys` looks them up instead.
  uniqueKeys: false,
  strict: true,
  prettyErrors: false,
  // Not "silent", because then a second document would not be an error.
  logLevel: "error",
} as const;

/** A text that nodes come from: the file, or one `--set`. */
export interface Origin {
  readonly source: string;
  readonly text: string;
  /** Where the parsed part begins in `text`. */
  readonly shift: number;
  readonly lines: LineCounter | null;
}

/** Parses one YAML document. Throws FalconErrorList if it is not valid YAML; duplicate keys are kept in `duplicates`. */
export function parseYaml(text: string, source: string): YamlSource {
  const lines = new LineCounter();
  const document = parseDocument(text, { ...PARSE_OPTIONS, lineCounter: lines });
  return new YamlSource(document, { source, text, shift: 0, lines });
}

/** Parses the value of an override. */
export function parseYamlValue(origin: Origin): {
  readonly node: Node | null;
  readonly error: FalconError | null;
} {
  const document = parseDocument(origin.text.slice(origin.shift), PARSE_OPTIONS);
  const first = [...document.errors, ...document.warnings][0];
  if (first !== undefined) return { node: null, error: syntaxError(first, origin) };
  const [twice] = duplicateKeys(document.contents);
  if (twice !== undefined) return { node: null, error: duplicateKeyError(twice, origin) };
  return { node: document.contents, error: null };
}

/** The place of the characters from `start` to `end` (offsets in the parsed part) in an origin. */
function placeIn(origin: Origin, start: number, end: number): SourcePlace {
  const { source, text, shift, lines } = origin;
  if (lines === null) {
    const length = Math.max(1, Math.min(end + shift, text.length) - (start + shift));
    return { source, line: null, column: start + shift + 1, text, length };
  }
  const { line, col } = lines.linePos(Math.min(start, text.length));
  const lineStart = lines.lineStarts[line - 1] ?? 0;
  const newline = text.indexOf("\n", lineStart);
  const lineText = text.slice(lineStart, newline === -1 ? text.length : newline).replace(/\r$/, "");
  const length = Math.max(1, Math.min(end - start, lineText.length - (col - 1)));
  return { source, line, column: col, text: lineText, length };
}

export class YamlSource {
  readonly duplicates: readonly FalconError[];
  private readonly origins = new WeakMap<object, Origin>();

  constructor(
    readonly document: Document.Parsed,
    readonly origin: Origin,
  ) {
    // A single wrong indentation makes the parser report many errors; only the first one needs to be fixed.
    const [syntax] = [...document.errors, ...document.warnings];
    if (syntax !== undefined) throw new FalconErrorList([syntaxError(syntax, origin, document.contents)]);
    this.duplicates = duplicateKeys(document.contents).map((key) => duplicateKeyError(key, origin));
  }

  /** Records that `node` and everything in it were written in `origin`. */
  adopt(node: Node, origin: Origin): void {
    visit(node, { Node: (_key, inner) => void this.origins.set(inner, origin) });
  }

  /** The document as a plain value. Throws FalconError on alias bombs, unknown aliases and excessive nesting. */
  toValue(): unknown {
    try {
      const value: unknown = this.document.toJS({ maxAliasCount: MAX_ALIAS_COUNT });
      if (isDeeperThan(value, MAX_DEPTH)) throw new RangeError(`nested deeper than ${MAX_DEPTH} levels`);
      return value;
    } catch (cause) {
      if (!(cause instanceof ReferenceError || cause instanceof RangeError)) throw cause;
      const unresolved = cause.message.startsWith("Unresolved alias");
      throw new FalconError({
        code: "experiment-yaml-aliases",
        message: unresolved
          ? "An alias (*name) stands before its anchor (&name), or has none."
          : `The file's anchors, aliases or nesting expand without bound (${cause.message}).`,
        next: "Write the values out instead of using anchors and aliases.",
        place: this.placeOfNode(this.firstAlias() ?? deepestNode(this.document, MAX_DEPTH)),
        exitCode: ExitCode.invalidExperiment,
        cause,
      });
    }
  }

  /** The place of the value at `path`, or of its key with `on: "key"`; otherwise of the nearest parent that has a place. */
  findPlace(path: Path, on: "value" | "key" = "value"): SourcePlace {
    let node: unknown = this.document.contents;
    let nearest: unknown = node;
    for (const [depth, segment] of path.entries()) {
      node = isAlias(node) ? node.resolve(this.document) : node;
      const pair = findPairOrMerged(node, segment, this.document);
      const item = isSeq(node) ? node.items[Number(segment)] : undefined;
      if (pair === null && item === undefined) break;
      const isLast = depth === path.length - 1;
      const value = pair === null ? item : pair.value;
      // A key that comes from --set has no node with a place; its value has one, and the key is written just before it.
      const set =
        isLast && on === "key" && !hasText(pair?.key) && isNode(value) ? this.origins.get(value) : null;
      if (set?.shift) return placeIn({ ...set, shift: 0 }, 0, set.shift - 1);
      const wantsKey = hasText(pair?.key) && ((isLast && on === "key") || !hasText(value));
      nearest = wantsKey ? pair?.key : value;
      node = value;
    }
    return this.placeOfNode(nearest);
  }

  /** The paths, below `path`, of whole numbers that were written as floats (30.0, 1e6). */
  listFloats(path: Path): string[][] {
    let node: unknown = this.document.contents;
    for (const segment of path) {
      node = isAlias(node) ? node.resolve(this.document) : node;
      const pair = findPairOrMerged(node, segment, this.document);
      node = pair === null ? (isSeq(node) ? node.items[Number(segment)] : undefined) : pair.value;
    }
    return listFloatsIn(node, this.document, []);
  }

  /** Whether the value of a top-level key has an anchor (&name). */
  hasAnchor(key: string): boolean {
    const value = findPair(this.document.contents, key)?.value;
    return isNode(value) && "anchor" in value && value.anchor !== undefined;
  }

  /** Where to report a key that is missing from the mapping at `parent`: the place of the mapping's own key. */
  placeOfMissing(parent: Path): SourcePlace {
    return this.findPlace(parent, "key");
  }

  placeOfNode(node: unknown): SourcePlace {
    // Something that is not in the text is reported at its beginning.
    if (!isNode(node) || !node.range) return placeIn(this.origin, 0, 0);
    const [start, end] = node.range;
    return placeIn(this.origins.get(node) ?? this.origin, start, end);
  }

  private firstAlias(): Node | null {
    let first: Node | null = null;
    visit(this.document, {
      Alias: (_key, alias) => {
        first = alias;
        return visit.BREAK;
      },
    });
    return first;
  }
}

function listFloatsIn(node: unknown, document: Document.Parsed, path: readonly string[]): string[][] {
  const value = isAlias(node) ? node.resolve(document) : node;
  if (path.length > MAX_DEPTH) return [];
  if (isScalar(value)) {
    const isFloat = Number.isInteger(value.value) && /^[^x]*[.e]/i.test(value.source ?? "");
    return isFloat ? [[...path]] : [];
  }
  if (isSeq(value)) {
    return value.items.flatMap((item, index) => listFloatsIn(item, document, [...path, String(index)]));
  }
  if (!isMap(value)) return [];
  return value.items.flatMap(({ key, value: inner }) => {
    const name = String(isScalar(key) ? key.value : key);
    // The keys that a merge key brings in belong to this mapping.
    return listFloatsIn(inner, document, name === "<<" ? path : [...path, name]);
  });
}

/** The first node that is nested in more than `levels` collections. Null if there is none. */
function deepestNode(document: Document.Parsed, levels: number): Node | null {
  let found: Node | null = null;
  visit(document, {
    Node: (_key, node, ancestors) => {
      if (ancestors.filter(isCollection).length <= levels) return undefined;
      found = node;
      return visit.BREAK;
    },
  });
  return found;
}

/** Keys that occur a second time in their mapping. */
function duplicateKeys(contents: unknown): readonly Node[] {
  const found: Node[] = [];
  if (!isNode(contents)) return found;
  visit(contents, {
    Map: (_key, map) => {
      const seen = new Set<unknown>();
      for (const { key } of map.items) {
        if (!isScalar(key)) continue;
        if (seen.has(key.value)) found.push(key);
        seen.add(key.value);
      }
    },
  });
  return found.slice(0, MAX_DUPLICATES);
}

function duplicateKeyError(key: Node, origin: Origin): FalconError {
  const [start, end] = key.range ?? [0, 0];
  const name = isScalar(key) ? String(key.value) : "";
  return new FalconError({
    code: "experiment-duplicate-key",
    message: `The key ${JSON.stringify(name.slice(0, 60))} is written twice in the same mapping.`,
    next: "Keep one of them.",
    place: placeIn(origin, start, end),
    exitCode: ExitCode.invalidExperiment,
  });
}

/** The pair of a mapping whose key is `segment`. Null if there is none. */
export function findPair(node: unknown, segment: PropertyKey): Pair<unknown, unknown> | null {
  if (!isMap(node)) return null;
  return node.items.find(({ key }) => (isScalar(key) ? key.value : key) === segment) ?? null;
}

/** Like `findPair`, but also finds a pair that a merge key (`<<: *name`) brings in. */
function findPairOrMerged(
  node: unknown,
  segment: PropertyKey,
  document: Document.Parsed,
  depth = 0,
): Pair<unknown, unknown> | null {
  const own = findPair(node, segment);
  const merged = findPair(node, "<<")?.value;
  if (own !== null || merged === undefined || depth > MAX_DEPTH) return own;
  for (const source of isSeq(merged) ? merged.items : [merged]) {
    const target = isAlias(source) ? source.resolve(document) : source;
    const found = findPairOrMerged(target, segment, document, depth + 1);
    if (found !== null) return found;
  }
  return null;
}

function hasText(node: unknown): boolean {
  return isNode(node) && node.range !== undefined && node.range !== null && node.range[1] > node.range[0];
}

function isDeeperThan(value: unknown, levels: number): boolean {
  if (typeof value !== "object" || value === null) return false;
  if (levels === 0) return true;
  return Object.values(value).some((inner) => isDeeperThan(inner, levels - 1));
}

function syntaxError(error: YAMLError, origin: Origin, contents: unknown = null): FalconError {
  const quote = error.code === "MISSING_CHAR" ? findOpenQuote(contents, error.pos[0]) : null;
  if (quote !== null) {
    return new FalconError({
      code: "experiment-yaml-syntax",
      message: "This quotation mark is never closed.",
      next: "Add the closing quotation mark at the end of the text.",
      place: placeIn(origin, quote, quote + 1),
      exitCode: ExitCode.invalidExperiment,
    });
  }
  const [start, end] = error.pos;
  const { code, message, next } = explain(error);
  const length = /^[\w.-]*/.exec(origin.text.slice(origin.shift + start))?.[0].length ?? 1;
  return new FalconError({
    code,
    message,
    next,
    place: placeIn(origin, start, Math.max(end, start + length)),
    exitCode: ExitCode.invalidExperiment,
  });
}

/** Where a quoted text begins that runs on to `end` because its closing quotation mark is missing. Null if there is none. */
function findOpenQuote(contents: unknown, end: number): number | null {
  let found: number | null = null;
  if (!isNode(contents)) return null;
  visit(contents, {
    Scalar: (_key, { type, range }) => {
      if (type?.startsWith("QUOTE") === true && range && range[1] >= end) found ??= range[0];
    },
  });
  return found;
}

function explain(error: YAMLError): { code: string; message: string; next: string } {
  const syntax = "experiment-yaml-syntax";
  switch (error.code) {
    case "MULTIPLE_DOCS":
      return {
        code: syntax,
        message: "The file holds more than one YAML document.",
        next: "Write one experiment per file: remove everything after the --- line.",
      };
    case "NON_STRING_KEY":
      return { code: syntax, message: "A mapping's key must be text.", next: "Put the key in quotes." };
    case "TAG_RESOLVE_FAILED":
      return { code: syntax, message: "YAML tags (!name) are not used here.", next: "Remove the tag." };
    case "TAB_AS_INDENT":
      return {
        code: syntax,
        message: "A tab indents this line; YAML allows only spaces.",
        next: "Indent with spaces.",
      };
    case "BAD_ALIAS":
      return { code: syntax, message: error.message, next: "Put text that begins with * or & in quotes." };
    default: {
      if (error.message.startsWith("Maximum call stack")) {
        return {
          code: syntax,
          message: "Lists or mappings are nested too deeply.",
          next: "Close a bracket.",
        };
      }
      const next = "Check indentation, colons and quotes here; text that contains ': ' or ' #' needs quotes.";
      return { code: syntax, message: `Not valid YAML: ${lowerFirst(error.message)}.`, next };
    }
  }
}

function lowerFirst(text: string): string {
  return (text.charAt(0).toLowerCase() + text.slice(1)).replace(/\.$/, "");
}
