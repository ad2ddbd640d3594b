import { extname, resolve } from "node:path";
import { parseDocument } from "yaml";
import type { Prompt } from "./experiment.js";
import { type PromptInput, promptListSchema } from "./file-schema.js";
import { readText } from "./read-text.js";
import type { ModelContext } from "./resolve-model.js";

/** More text than any sweep of prompts; a model file named by mistake is larger. */
const MAX_PROMPT_FILE_BYTES = 64 * 1024 * 1024;

type Written = readonly PromptInput[] | { readonly file: string };

/** Prompts with an id each; what is wrong with them is added to the problems. */
export async function resolvePrompts(written: Written, context: ModelContext): Promise<readonly Prompt[]> {
  if (!("file" in written)) return numbered(written, context, null);
  const file = resolve(context.folder, written.file);
  const fail = (message: string) => {
    const next =
      "A .txt file holds one prompt a line; .jsonl a text or {id, text} a line; .yaml a list of them.";
    context.problems.add("experiment-prompts-invalid", ["prompts", "file"], message, next);
    return [];
  };
  let text: string;
  try {
    const options = { readFile: context.readFile, maxBytes: MAX_PROMPT_FILE_BYTES, what: "prompt file" };
    text = await readText(file, options);
  } catch (cause) {
    return fail((cause as Error).message);
  }
  try {
    const checked = promptListSchema.safeParse(parseFile(text, extname(file).toLowerCase()));
    if (checked.success) return numbered(checked.data, context, written.file);
    const issue = checked.error.issues[0];
    const where = typeof issue?.path[0] === "number" ? `prompt ${issue.path[0] + 1}` : "it";
    return fail(`In ${written.file}, ${where} ${issue?.message ?? "is not valid"}.`);
  } catch (cause) {
    return fail(`${written.file} cannot be read as prompts: ${(cause as Error).message}`);
  }
}

function parseFile(text: string, extension: string): unknown {
  if (extension === ".yaml" || extension === ".yml") {
    const document = parseDocument(text, { version: "1.2", schema: "core", logLevel: "silent" });
    const [first] = document.errors;
    if (first !== undefined) throw first;
    return document.toJS({ maxAliasCount: 0 });
  }
  const lines = text.split(/\r?\n/);
  if (extension === ".jsonl") {
    return lines.flatMap((line, index) => (line.trim() === "" ? [] : [parseLine(line, index + 1)]));
  }
  if (extension !== ".txt") throw new Error(`${extension === "" ? "no extension" : extension} is not known`);
  return lines.filter((line) => line.trim() !== "");
}

function parseLine(line: string, number: number): unknown {
  try {
    return JSON.parse(line);
  } catch (cause) {
    throw new Error(`line ${number} is not JSON (${(cause as Error).message})`);
  }
}

function numbered(
  inputs: readonly PromptInput[],
  context: ModelContext,
  file: string | null,
): readonly Prompt[] {
  const prompts = inputs.map((input, index): Prompt => {
    const id = typeof input === "string" ? undefined : input.id;
    return { id: id ?? `p${index + 1}`, text: typeof input === "string" ? input : input.text };
  });
  const seen = new Map<string, number>();
  for (const [index, { id }] of prompts.entries()) {
    const first = seen.get(id);
    if (first === undefined) {
      seen.set(id, index);
      continue;
    }
    const message = `Prompts ${first + 1} and ${index + 1} have the same id ${id}.`;
    const path = file === null ? ["prompts", index] : ["prompts", "file"];
    context.problems.add("experiment-prompts-invalid", path, message, "Give each prompt an id of its own.");
  }
  return prompts;
}
