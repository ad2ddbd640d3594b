/** Reports zod's issues in the words of the experiment file. */
import type { z } from "zod";
import { didYouMean } from "../base/did-you-mean.js";
import { joinWithOr } from "../base/text.js";
import { findWordsMeant } from "../quantization/registry.js";
import { keysAt, meantByValue, placeForKey } from "./known-keys.js";
import { type Problems, pathName, shown } from "./problems.js";
import type { Path } from "./yaml-source.js";

type Issue = z.core.$ZodIssue;

/** Validates `value`, adds every problem, and returns the checked value or null. */
export function checkSchema<S extends z.ZodType>(
  schema: S,
  value: unknown,
  problems: Problems,
): z.infer<S> | null {
  const checked = schema.safeParse(value);
  if (checked.success) return checked.data;
  for (const issue of checked.error.issues) report(issue, [], value, problems);
  return null;
}

function report(issue: Issue, prefix: Path, root: unknown, problems: Problems): void {
  if (problems.isFull) return;
  const path = [...prefix, ...issue.path];
  const value = valueAt(root, path);
  const isUnknownKey = issue.code === "unrecognized_keys";
  const parent = isUnknownKey ? path : path.slice(0, -1);
  if (isUnquotedPrompt(parent, valueAt(root, parent))) {
    // zod reports both an unknown key and missing text, but it is one mistake, so it is reported once.
    if (isUnknownKey) reportUnquotedPrompt(parent, problems);
    return;
  }
  if (issue.code === "unrecognized_keys") {
    for (const key of issue.keys) if (!problems.isFull) reportUnknownKey(key, path, root, problems);
    return;
  }
  if (value === undefined && path.length > 0) {
    reportMissingKey(path, problems);
    return;
  }
  if (issue.code === "invalid_union") {
    const best = bestBranch(issue);
    const word = best === null ? null : onlyWord(best);
    if (word !== null && issue.message.startsWith("must")) {
      // This word is not the only value allowed here; the union's own message lists the others.
      const { message, next } = wrongValue(issue, value);
      const near = meantWord([word], value) ?? next;
      problems.add("experiment-invalid-value", path, `${pathName(path)} ${message}.`, near);
      return;
    }
    if (best !== null) {
      for (const inner of best) report(inner, path, root, problems);
      return;
    }
  }
  if (value === null && issue.code !== "too_small") {
    const name = pathName(path);
    problems.add(
      "experiment-invalid-value",
      path,
      `${name} is empty.`,
      "Give it a value, or remove the line.",
    );
    return;
  }
  const { message, next } = wrongValue(issue, value);
  problems.add(
    "experiment-invalid-value",
    path,
    `${pathName(path)} ${message}.`,
    meantByValue(String(path.at(-1)), value) ?? next,
  );
}

/** Whether a prompt was written without quotes: `- Translate to French: good cheese` is a mapping in YAML. */
function isUnquotedPrompt(path: Path, value: unknown): boolean {
  if (path.length !== 2 || path[0] !== "prompts" || typeof value !== "object" || value === null) return false;
  const keys = Object.keys(value);
  return keys.length > 0 && !["text", "messages", "id"].some((key) => keys.includes(key));
}

function reportUnquotedPrompt(path: Path, problems: Problems): void {
  const message = `${pathName(path)} is not text: its colon followed by a space makes it a mapping.`;
  problems.add("experiment-invalid-value", path, message, "Put the text in quotes.");
}

function reportUnknownKey(key: string, parent: Path, root: unknown, problems: Problems): void {
  const known = keysAt(parent);
  const near = didYouMean(key, known);
  const elsewhere = placeForKey(key, parent);
  let next = `Known keys here: ${known.join(", ")}.`;
  if (known.length === 0) next = "Remove it.";
  if (elsewhere !== null) next = `It is written as ${elsewhere}.`;
  if (parent.length === 0 && problems.yaml.hasAnchor(key))
    next = `Keys that only hold anchors begin with x-: x-${key}.`;
  else if (near !== null) next = `Did you mean ${near}?`;
  next = meantByValue(key, valueAt(root, [...parent, key])) ?? next;
  const where = parent.length === 0 ? "" : ` in ${pathName(parent)}`;
  const place = problems.yaml.findPlace([...parent, key], "key");
  problems.addAt("experiment-unknown-key", place, `Unknown key ${shown(key)}${where}.`, next);
}

function reportMissingKey(path: Path, problems: Problems): void {
  const parent = path.slice(0, -1);
  const key = String(path.at(-1));
  const where = parent.length === 0 ? "The file" : pathName(parent);
  const place = problems.yaml.placeOfMissing(parent);
  problems.addAt("experiment-missing-key", place, `${where} lacks the key ${key}.`, `Add ${key}: ….`);
}

const TYPES: Readonly<Record<string, string>> = {
  string: "text",
  number: "a number",
  int: "a whole number",
  boolean: "true or false",
  array: "a list",
  object: "a mapping of keys",
  record: "a mapping of keys",
};

/** Values that people write out of habit, and what each is called here. */
const VALUES_FROM_ELSEWHERE: Readonly<Record<string, string>> = {
  bf16: "none here, with bfloat16 in matrix.dtype,",
  bfloat16: "none here, with bfloat16 in matrix.dtype,",
  fp16: "none here, with float16 in matrix.dtype,",
  float16: "none here, with float16 in matrix.dtype,",
  fp32: "none here, with float32 in matrix.dtype,",
  float32: "none here, with float32 in matrix.dtype,",
  flash: "flash_attention_2",
  flash_attention: "flash_attention_2",
  true: "on",
  false: "off",
  greedy: "greedy",
};

function wrongValue(issue: Issue, value: unknown): { readonly message: string; readonly next: string } {
  const isShown = shown(value);
  switch (issue.code) {
    case "invalid_type": {
      const expected = TYPES[issue.expected] ?? issue.expected;
      const isBare = expected === TYPES.string && ["number", "boolean"].includes(typeof value);
      if (isBare)
        return { message: `must be text, but is ${isShown}`, next: `Put it in quotes: "${value}".` };
      const isQuoted = typeof value === "string" && expected.includes("number") && value.trim() !== "";
      const hint = isQuoted && Number.isFinite(Number(value)) ? "Remove the quotes." : `Write ${expected}.`;
      return { message: `must be ${expected}, but is ${isShown}`, next: hint };
    }
    case "invalid_value": {
      const allowed = issue.values.map(String);
      return {
        message: `must be ${joinWithOr(allowed)}, but is ${isShown}`,
        next: meantWord(allowed, value) ?? "Choose one of these.",
      };
    }
    case "too_small":
    case "too_big": {
      if (!issue.message.startsWith("Too ")) return { message: issue.message, next: adviseBy(issue.message) };
      const isSmall = issue.code === "too_small";
      const limit = isSmall ? issue.minimum : issue.maximum;
      const words = isSmall ? ["at least", "greater than"] : ["at most", "less than"];
      const bound = `${issue.inclusive === false ? words[1] : words[0]} ${limit}`;
      return { message: `must be ${bound}, but is ${isShown}`, next: `Write a value that is ${bound}.` };
    }
    default: {
      const message = issue.message.startsWith("must") ? issue.message : `is not valid: ${issue.message}`;
      return { message: `${message}; it is ${isShown}`, next: adviseBy(message) };
    }
  }
}

/** Derives the advice from the message, because `must be 1 to 64 letters` already says what to write. */
function adviseBy(message: string): string {
  const [, wanted] = /^must be (.+?)(?:, but is .*)?$/.exec(message) ?? [];
  if (wanted !== undefined) return `Write ${wanted}.`;
  return message.startsWith("must not be empty")
    ? "Write something, or remove the key."
    : "Correct the value.";
}

/** `Did you mean …?` if the value resembles one of the allowed words, or is another name for one. Null if it is neither. */
function meantWord(allowed: readonly string[], value: unknown): string | null {
  const written = String(value);
  const spelling = written.toLowerCase();
  const near = VALUES_FROM_ELSEWHERE[spelling] ?? findWordsMeant(spelling) ?? didYouMean(written, allowed);
  const isUsable = near !== null && allowed.some((word) => near.includes(word));
  return isUsable ? `Did you mean ${near.replace(/,$/, "")}?` : null;
}

type UnionIssue = Extract<Issue, { code: "invalid_union" }>;

/** From this cost on, a branch is of no help: the value is of a different kind altogether. */
const HOPELESS = 1000;
const LIST_AT_MOST = 50;

/** The branch that the author most probably had in mind. Null if no branch accepts a value of this kind. */
function bestBranch(issue: UnionIssue): readonly Issue[] | null {
  let best: { readonly issues: readonly Issue[]; readonly cost: number } | null = null;
  for (const issues of issue.errors) {
    const cost = branchCost(issues);
    if (best === null || cost < best.cost) best = { issues, cost };
  }
  return best === null || best.cost >= HOPELESS ? null : best.issues;
}

/** The word that a branch requires, if it accepts only a single word. Null for every other branch. */
function onlyWord([only, ...others]: readonly Issue[]): string | null {
  if (only?.code !== "invalid_value" || only.path.length > 0 || others.length > 0) return null;
  return only.values.length === 1 ? String(only.values[0]) : null;
}

function branchCost(issues: readonly Issue[]): number {
  const ofWhole = sum(issues.filter(({ path }) => path.length === 0).map(costOfWhole));
  const ofParts = sum(issues.filter(({ path }) => path.length > 0).map(costOfPart));
  return ofWhole + Math.min(ofParts, LIST_AT_MOST);
}

function costOfWhole(issue: Issue): number {
  if (issue.code === "invalid_type") return HOPELESS;
  if (issue.code === "invalid_value") return typeof issue.input === "object" ? HOPELESS : 100;
  if (issue.code === "unrecognized_keys") return 4 * issue.keys.length;
  if (issue.code === "invalid_union") return Math.min(...issue.errors.map(branchCost));
  return 1;
}

function costOfPart(issue: Issue): number {
  // A tag of another branch, such as `method: int8`, shows that this branch was not meant.
  return issue.code === "invalid_value" && issue.values.length === 1 ? 10 : 3;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}

function valueAt(root: unknown, path: Path): unknown {
  let value = root;
  for (const segment of path) {
    if (typeof value !== "object" || value === null || !Object.hasOwn(value, segment)) return undefined;
    value = (value as Record<PropertyKey, unknown>)[segment];
  }
  return value;
}
