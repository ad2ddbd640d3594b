/** A row of a prompt file → a prompt, by the keys that were asked for or by a shape that leaves no choice. */
import { pluralize } from "../base/text.js";
import { makeName } from "./name.js";

export interface PromptFields {
  /** Paths such as `prompt` or `messages[1].content`; several are joined by a blank line, empty ones left out. */
  readonly field: readonly string[] | null;
  readonly idField: string | null;
}

/** `text` of a prompt whose row has no id has none either. */
export interface FoundPrompt {
  readonly id: string | null;
  readonly text: string;
}

/** Why a row is no prompt; `next` where the row itself says what to write. */
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

/** Throws RowProblem. */
export function findPrompt(value: unknown, fields: PromptFields): FoundPrompt {
  if (typeof value === "string") return { id: null, text: value };
  if (typeof value !== "object" || value === null) throw new RowProblem("is neither text nor a mapping");
  const text = fields.field === null ? findText(value as Row) : readFields(value as Row, fields.field);
  return { id: findId(value as Row, fields.idField), text };
}

function readFields(row: Row, paths: readonly string[]): string {
  const parts = paths.map((path) => {
    const found = readPath(row, path);
    if (typeof found === "string" || typeof found === "number") return String(found);
    throw new RowProblem(`has no text under ${path}; ${describeKeys(row)}`);
  });
  return parts.filter((part) => part !== "").join("\n\n");
}

/** `messages[1].content`. */
function readPath(row: unknown, path: string): unknown {
  let value = row;
  for (const key of path.split(/[.[\]]+/).filter((part) => part !== "")) {
    if (typeof value !== "object" || value === null || !Object.hasOwn(value, key)) return undefined;
    value = (value as Row)[key];
  }
  return value;
}

function findText(row: Row): string {
  for (const key of TEXT_KEYS) if (typeof row[key] === "string") return row[key];
  const turns = listTurns(row);
  const [first] = turns;
  if (first !== undefined) {
    if (turns.length === 1) return first.text;
    const others = turns.length - 1;
    throw new RowProblem(
      `is a conversation with ${pluralize(others, "message")} besides the first question; a prompt here is one text`,
      `Write field: ${first.path} to measure that question alone.`,
    );
  }
  if (typeof row.instruction === "string") {
    if (row.input === undefined || row.input === "") return row.instruction;
    const next = "Write field: [instruction, input] to join both with a blank line.";
    throw new RowProblem("has an instruction and an input", next);
  }
  throw new RowProblem(`has none of the keys ${TEXT_KEYS.join(", ")}; ${describeKeys(row)}`);
}

interface Turn {
  readonly path: string;
  readonly text: string;
}

/** What is said in a conversation, the first question first; none where the row is no conversation. */
function listTurns(row: Row): readonly Turn[] {
  const [name, list] = Array.isArray(row)
    ? ["", row as readonly unknown[]]
    : (Object.entries(row).find(
        (entry): entry is [string, unknown[]] =>
          ["turns", "messages", "conversations"].includes(entry[0]) && Array.isArray(entry[1]),
      ) ?? ["", []]);
  const turns = list.flatMap((turn, index): { isQuestion: boolean; turn: Turn }[] => {
    const at = `${name}[${index}]`;
    if (typeof turn === "string") return [{ isQuestion: true, turn: { path: at, text: turn } }];
    const { role, content, from, value } = Object(turn) as Row;
    const isQuestion = role === "user" || from === "human" || from === "user";
    if (typeof content === "string") return [{ isQuestion, turn: { path: `${at}.content`, text: content } }];
    if (typeof value === "string") return [{ isQuestion, turn: { path: `${at}.value`, text: value } }];
    return [];
  });
  const first = turns.find(({ isQuestion }) => isQuestion);
  if (first === undefined) return [];
  return [first, ...turns.filter((turn) => turn !== first)].map(({ turn }) => turn);
}

function findId(row: Row, field: string | null): string | null {
  const found = field === null ? ID_KEYS.map((key) => row[key]).find(isNameable) : readPath(row, field);
  if (found === undefined && field === null) return null;
  const id = isNameable(found) ? makeName(String(found)) : "";
  if (id === "") {
    throw new RowProblem(
      field === null
        ? `has the id ${JSON.stringify(found)}, of which nothing can be a name`
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
