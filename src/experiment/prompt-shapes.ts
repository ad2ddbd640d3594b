/** Finds the prompt in a row of a prompt file, by the keys that were asked for or by a shape that is unambiguous. */
import { pluralize } from "../base/text.js";
import type { ChatMessage, PromptContent } from "../protocol/prompt.js";
import { makeName } from "./name.js";

export interface PromptFields {
  /** Paths such as `prompt` or `messages[1].content`. Several texts are joined by a blank line, without the empty ones. */
  readonly field: readonly string[] | null;
  readonly idField: string | null;
}

export interface FoundPrompt {
  readonly id: string | null;
  readonly content: PromptContent;
}

/** Why a row is not a prompt. `next` is set if the row itself shows what to write instead. */
export class RowProblem extends Error {
  constructor(
    message: string,
    readonly next: string | null = null,
  ) {
    super(message);
  }
}

type Row = Readonly<Record<string, unknown>>;

const TEXT_KEYS = ["text", "prompt"];
const ID_KEYS = ["id", "task_id", "question_id"];

/** The prompt in a row. Throws RowProblem if there is none. */
export function findPrompt(value: unknown, fields: PromptFields): FoundPrompt {
  if (typeof value === "string") return { id: null, content: value };
  if (typeof value !== "object" || value === null) throw new RowProblem("is neither text nor a mapping");
  const row = value as Row;
  const content = fields.field === null ? findContent(row) : readFields(row, fields.field);
  return { id: findId(row, fields.idField), content };
}

function readFields(row: Row, paths: readonly string[]): string {
  const parts = paths.map((path) => {
    const found = readPath(row, path);
    if (typeof found === "string" || typeof found === "number") return String(found);
    throw new RowProblem(`has no text under ${path}; ${describeKeys(row)}`);
  });
  return parts.filter((part) => part !== "").join("\n\n");
}

/** The value at a path such as `messages[1].content`; undefined if there is none. */
function readPath(row: unknown, path: string): unknown {
  let value = row;
  for (const key of path.split(/[.[\]]+/).filter((part) => part !== "")) {
    if (typeof value !== "object" || value === null || !Object.hasOwn(value, key)) return undefined;
    value = (value as Row)[key];
  }
  return value;
}

function findContent(row: Row): PromptContent {
  for (const key of TEXT_KEYS) if (typeof row[key] === "string") return row[key];
  const conversation = findConversation(row);
  if (conversation !== null) return conversation;
  if (typeof row.instruction === "string") {
    if (row.input === undefined || row.input === "") return row.instruction;
    const next = "Write field: [instruction, input] to join both with a blank line.";
    throw new RowProblem("has an instruction and an input", next);
  }
  throw new RowProblem(`has none of the keys ${TEXT_KEYS.join(", ")}; ${describeKeys(row)}`);
}

/** The names that data sets use for roles. */
const ROLES: Readonly<Record<string, ChatMessage["role"]>> = {
  system: "system",
  developer: "system",
  user: "user",
  human: "user",
  assistant: "assistant",
  gpt: "assistant",
  model: "assistant",
};

/**
 * The conversation up to the user's last message, which the model answers; the data set's own answer after it is left out. A
 * single question becomes a text. Null if the row is not a conversation.
 */
function findConversation(row: Row): PromptContent | null {
  const [name, list] = Array.isArray(row)
    ? ["", row as readonly unknown[]]
    : (Object.entries(row).find(
        (entry): entry is [string, unknown[]] =>
          ["turns", "messages", "conversations"].includes(entry[0]) && Array.isArray(entry[1]),
      ) ?? ["", []]);
  if (list.length === 0) return null;
  if (list.every((turn) => typeof turn === "string")) return findOnlyTurn(list, name);
  const messages = list.map((turn, index) => readMessage(turn, `${name}[${index}]`));
  const last = messages.findLastIndex(({ role }) => role === "user");
  const [first, ...others] = messages.slice(0, last + 1);
  if (first === undefined) throw new RowProblem("is a conversation without a question");
  return others.length === 0 ? first.content : [first, ...others];
}

/**
 * The only question of a row. Throws RowProblem if there are several without the answers between them (MT-Bench), because the
 * later ones ask about what the model itself said.
 */
function findOnlyTurn(turns: readonly string[], name: string): string {
  const [first = "", ...others] = turns;
  if (others.length === 0) return first;
  throw new RowProblem(
    `has ${pluralize(others.length, "question")} that ${others.length === 1 ? "asks" : "ask"} about an answer which is not there`,
    `Write field: ${name}[0] to measure the first question alone.`,
  );
}

function readMessage(turn: unknown, at: string): ChatMessage {
  const { role, content, from, value } = Object(turn) as Row;
  const text = content ?? value;
  const known = ROLES[String(role ?? from).toLowerCase()];
  const own = content === undefined ? "value" : "content";
  if (typeof text !== "string" || text === "") throw new RowProblem(`has no text under ${at}.${own}`);
  if (known === undefined) {
    const next = `Write field: ${at}.${own} to measure that text alone, or leave the row out.`;
    throw new RowProblem(`has a message of ${JSON.stringify(role ?? from ?? null)} at ${at}`, next);
  }
  return { role: known, content: text };
}

function findId(row: Row, field: string | null): string | null {
  const found = field === null ? ID_KEYS.map((key) => row[key]).find(isNameable) : readPath(row, field);
  if (found === undefined && field === null) return null;
  const id = isNameable(found) ? makeName(String(found)) : "";
  if (id === "") {
    throw new RowProblem(
      field === null
        ? `has the id ${JSON.stringify(found)}, which contains no character that is allowed in a name`
        : `has no usable id under ${field}; ${describeKeys(row)}`,
    );
  }
  return id;
}

function isNameable(value: unknown): value is string | number {
  return typeof value === "string" || typeof value === "number";
}

function describeKeys(row: Row): string {
  if (Array.isArray(row)) return "it is a list";
  const keys = Object.keys(row);
  const shown = keys.slice(0, 12).join(", ");
  return keys.length === 0 ? "it has no keys" : `its keys are ${shown}${keys.length > 12 ? ", …" : ""}`;
}
