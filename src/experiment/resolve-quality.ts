import { basename, extname, join, resolve } from "node:path";
import { packageRoot } from "../base/program.js";
import type { EvaluationText, ExperimentQuality, LmEval } from "./experiment.js";
import { makeName } from "./name.js";
import { shown } from "./problems.js";
import { parseJsonLines } from "./prompt-rows.js";
import { type LmEvalInput, type QualityInput, SHIPPED_TEXTS, type TextInput } from "./quality-schema.js";
import { readFileBounded, readText } from "./read-text.js";
import type { ModelContext } from "./resolve-model.js";
import type { Path } from "./yaml-source.js";

/** About ten million tokens, far more than any machine scores in a day. */
const MAX_TEXT_BYTES = 32 * 1024 * 1024;
/** Separates the documents of a JSONL file. */
const DOCUMENT_BREAK = "\n\n";

/** Reads every text. Anything wrong with one is added to the problems. */
export async function resolveQuality(input: QualityInput, context: ModelContext): Promise<ExperimentQuality> {
  const texts: EvaluationText[] = [];
  for (const [index, written] of input.texts.entries()) {
    const text = await resolveText(written, ["quality", "texts", index], context);
    if (text === null) continue;
    if (texts.some(({ id }) => id === text.id)) {
      const message = `Two texts have the id ${text.id}.`;
      const next = "Give one of them another id: {id: …, file: …}.";
      context.problems.add("experiment-text-invalid", ["quality", "texts", index], message, next);
    }
    texts.push(text);
  }
  return {
    texts,
    context: input.context,
    max_tokens: input.max_tokens,
    keep_logprobs: input.keep_logprobs,
    kl: input.kl,
    lm_eval: input.lm_eval === undefined ? null : resolveLmEval(input.lm_eval, context),
  };
}

function resolveLmEval(input: LmEvalInput, context: ModelContext): LmEval {
  if (input.include_path !== undefined && !input.trust_task_code) {
    context.problems.add(
      "experiment-code-untrusted",
      ["quality", "lm_eval", "include_path"],
      `Task files of ${shown(input.include_path)} can run any Python code on this machine, in functions or in templates.`,
      "Read them; then add trust_task_code: true to lm_eval, only if you trust their author.",
    );
  }
  return {
    tasks: input.tasks,
    include_path: input.include_path === undefined ? null : resolve(context.folder, input.include_path),
    limit: input.limit ?? null,
    num_fewshot: input.num_fewshot ?? null,
    trust_task_code: input.trust_task_code,
  };
}

async function resolveText(
  written: TextInput,
  path: Path,
  context: ModelContext,
): Promise<EvaluationText | null> {
  const input = typeof written === "string" ? { file: written } : written;
  const shipped = SHIPPED_TEXTS.find((name) => name === input.file);
  const file =
    shipped === undefined
      ? resolve(context.folder, input.file)
      : join(packageRoot(), "texts", `${shipped}.txt`);
  const fail = (message: string) => {
    const next = `Name one of ${SHIPPED_TEXTS.join(", ")}, or the path of a text or JSONL file in UTF-8.`;
    context.problems.add("experiment-text-invalid", path, message, next);
    return null;
  };
  let content: string;
  try {
    // Shipped texts are always read from this package, even if a test replaces the file system.
    const readFile = shipped === undefined ? context.readFile : readFileBounded;
    content = await readText(file, { readFile, maxBytes: MAX_TEXT_BYTES, what: "evaluation text" });
  } catch (cause) {
    return fail((cause as Error).message);
  }
  const isLines = [".jsonl", ".ndjson"].includes(extname(file).toLowerCase());
  try {
    const text = isLines ? parseDocuments(content, written).join(DOCUMENT_BREAK) : content;
    if (text.trim() === "") return fail(`${input.file} holds no text.`);
    if (/\p{Surrogate}/u.test(text)) return fail(`${input.file} contains half of a surrogate pair.`);
    return { id: chooseId(written, file), text };
  } catch (cause) {
    return fail(`${input.file}: ${(cause as Error).message}.`);
  }
}

function chooseId(written: TextInput, file: string): string {
  if (typeof written !== "string" && written.id !== undefined) return written.id;
  return makeName(basename(file, extname(file))) || "text";
}

function parseDocuments(content: string, written: TextInput): string[] {
  const field = (typeof written === "string" ? undefined : written.field) ?? "text";
  return parseJsonLines(content).map(({ where, value }) => {
    const text = typeof value === "string" ? value : (value as Record<string, unknown> | null)?.[field];
    if (typeof text !== "string") throw new Error(`${where} has no text under "${field}"`);
    return text;
  });
}
