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

/** As many as a person fixes in one go; a file with more is probably not an experiment at all. */
const MAX_PROBLEMS = 100;

/** Collects all problems of a file, so that a person can fix them in one go. */
export class Problems {
  private readonly found: FalconError[] = [];

  constructor(readonly yaml: YamlSource) {
    this.found.push(...yaml.duplicates);
  }

  /** Adds a problem with the value at `path`. */
  add(code: ProblemCode, path: Path, message: string, next: string): void {
    this.addAt(code, this.yaml.findPlace(path), message, next);
  }

  addAt(code: ProblemCode, place: SourcePlace, message: string, next: string): void {
    this.addError(new FalconError({ code, message, next, place, exitCode: ExitCode.invalidExperiment }));
  }

  addError(error: FalconError): void {
    this.found.push(...(error instanceof FalconErrorList ? error.errors : [error]));
  }

  /** Whether there is no point in looking for more problems. */
  get isFull(): boolean {
    return this.found.length >= MAX_PROBLEMS;
  }

  /** Throws all problems found, in the order of the file. */
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

/** A value as it is shown in a message: short and on one line. */
export function shown(value: unknown): string {
  if (value === null) return "empty";
  if (Array.isArray(value)) return "a list";
  if (typeof value === "object") return "a mapping";
  const text = typeof value === "number" ? String(value) : (JSON.stringify(value) ?? String(value));
  return text.length > LONGEST_SHOWN ? `${text.slice(0, LONGEST_SHOWN)}…` : text;
}
