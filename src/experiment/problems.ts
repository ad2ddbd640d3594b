import { FalconError, FalconErrorList, type SourcePlace } from "../base/errors.js";
import { ExitCode } from "../base/exit-codes.js";
import type { Path, YamlSource } from "./yaml-source.js";

export type ProblemCode =
  | "experiment-unknown-key"
  | "experiment-invalid-value"
  | "experiment-missing-key"
  | "experiment-duplicate-value"
  | "experiment-model-unknown"
  | "experiment-code-untrusted"
  | "experiment-prompts-invalid"
  | "experiment-text-invalid";

/** As many as a person mends in one go; a file with more is a file of another kind. */
const MAX_PROBLEMS = 100;

/** Collects every problem of a file, so that a person mends them in one go. */
export class Problems {
  private readonly found: FalconError[] = [];

  constructor(readonly yaml: YamlSource) {
    this.found.push(...yaml.duplicates);
  }

  /** A problem with the value at `path`. */
  add(code: ProblemCode, path: Path, message: string, next: string): void {
    this.addAt(code, this.yaml.findPlace(path), message, next);
  }

  addAt(code: ProblemCode, place: SourcePlace, message: string, next: string): void {
    this.addError(new FalconError({ code, message, next, place, exitCode: ExitCode.invalidExperiment }));
  }

  addError(error: FalconError): void {
    this.found.push(...(error instanceof FalconErrorList ? error.errors : [error]));
  }

  /** Whether looking for more is worth no one's time. */
  get isFull(): boolean {
    return this.found.length >= MAX_PROBLEMS;
  }

  /** Throws all that was found, in the order of the file. */
  throwIfAny(): void {
    if (this.found.length === 0) return;
    const line = (error: FalconError) => error.place?.line ?? 0;
    throw new FalconErrorList([...this.found].sort((a, b) => line(a) - line(b)));
  }
}

/** `["matrix", "quantization", 1]` → `matrix.quantization[1]`. */
export function pathName(path: Path): string {
  let name = "";
  for (const segment of path) {
    if (typeof segment === "number") name += `[${segment}]`;
    else name += name === "" ? String(segment) : `.${String(segment)}`;
  }
  return name === "" ? "the file" : name;
}

const LONGEST_SHOWN = 60;

/** A value as it is named in a message: short, on one line. */
export function shown(value: unknown): string {
  if (value === null) return "empty";
  if (Array.isArray(value)) return "a list";
  if (typeof value === "object") return "a mapping";
  const text = typeof value === "number" ? String(value) : (JSON.stringify(value) ?? String(value));
  return text.length > LONGEST_SHOWN ? `${text.slice(0, LONGEST_SHOWN)}…` : text;
}
