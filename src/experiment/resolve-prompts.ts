import { resolve } from "node:path";
import type { Prompt } from "./experiment.js";
import { type PromptFileInput, type PromptInput, promptInputSchema } from "./file-schema.js";
import { PROMPT_FILE_KINDS, parsePromptRows, unpacking } from "./prompt-rows.js";
import { findPrompt, type PromptFields, RowProblem } from "./prompt-shapes.js";
import { readText } from "./read-text.js";
import type { ModelContext } from "./resolve-model.js";

/** More text than any set of prompts; a model file that was named by mistake is larger. */
const MAX_PROMPT_FILE_BYTES = 64 * 1024 * 1024;

/** Resolves the prompts and gives each an id. Anything wrong with them is added to the problems. */
export async function resolvePrompts(
  written: readonly PromptInput[] | PromptFileInput,
  context: ModelContext,
): Promise<readonly Prompt[]> {
  if (!("file" in written)) return numbered(written, context, null);
  const fail = (message: string, next: string) =>
    context.problems.add("experiment-prompts-invalid", ["prompts", "file"], message, next);
  try {
    const text = await readText(resolve(context.folder, written.file), {
      readFile: unpacking(context.readFile),
      maxBytes: MAX_PROMPT_FILE_BYTES,
      what: "prompt file",
    });
    const rows = parsePromptRows(text, written.file);
    if (rows.length === 0) throw new Error("it holds no prompt");
    const fields = readFields(written);
    const inputs: PromptInput[] = [];
    for (const { where, value } of rows) {
      const found = checkRow(value, fields);
      if (!(found instanceof RowProblem)) inputs.push(found);
      // The rows below have the same shape, so only the first problem is reported.
      else {
        const next = "Name the key of the text with field: (field: question, or field: messages[0].content).";
        fail(`In ${written.file}, ${where} ${found.message}.`, found.next ?? next);
        return [];
      }
    }
    return numbered(inputs, context, written.file);
  } catch (cause) {
    const message = (cause as Error).message.replace(/\.$/, "");
    fail(`${written.file} cannot be read as prompts: ${message}.`, `A prompt file is ${PROMPT_FILE_KINDS}.`);
    return [];
  }
}

function readFields({ field, id_field }: PromptFileInput): PromptFields {
  const paths = typeof field === "string" ? [field] : (field ?? null);
  return { field: paths, idField: id_field ?? null };
}

function checkRow(value: unknown, fields: PromptFields): PromptInput | RowProblem {
  try {
    const { id, content } = findPrompt(value, fields);
    const asked = typeof content === "string" ? { text: content } : { messages: content };
    const checked = promptInputSchema.safeParse({ ...(id === null ? {} : { id }), ...asked });
    return checked.success
      ? checked.data
      : new RowProblem(`holds a text that ${checked.error.issues[0]?.message ?? "is not valid"}`);
  } catch (error) {
    if (error instanceof RowProblem) return error;
    throw error;
  }
}

function numbered(
  inputs: readonly PromptInput[],
  context: ModelContext,
  file: string | null,
): readonly Prompt[] {
  const prompts = inputs.map((input, index): Prompt => {
    if (typeof input === "string") return { id: `p${index + 1}`, text: input };
    return { id: input.id ?? `p${index + 1}`, text: "text" in input ? input.text : input.messages };
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
    context.problems.add("experiment-prompts-invalid", path, message, "Give each prompt its own id.");
  }
  return prompts;
}
