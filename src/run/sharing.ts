/** Keeps equal parts of records in memory only once: with a hundred thousand trials, these are most of the memory. */
import type { RunFileRecord } from "./record-types.js";

type Answer = Extract<RunFileRecord, { readonly kind: "warmup" }>["measurement"];

export class Sharing {
  readonly #strings = new Map<string, string>();
  readonly #answers = new Map<string, Answer>();
  readonly #values = new Map<string, unknown>();

  /** Returns the record, with parts that an earlier record holds as well taken from that one. */
  share<R extends RunFileRecord>(record: R): R {
    const shared = record as { -readonly [Key in keyof RunFileRecord]: RunFileRecord[Key] } & {
      configuration_id?: string;
      configuration?: string;
    };
    shared.run_id = this.#string(shared.run_id);
    if (shared.configuration_id !== undefined) {
      shared.configuration_id = this.#string(shared.configuration_id);
      shared.configuration = this.#string(shared.configuration ?? "");
    }
    if ((record.kind === "trial" && record.status === "completed") || record.kind === "warmup")
      this.#shareAnswer(record.measurement);
    if (record.kind === "load") {
      const { load } = record;
      load.model_shape = this.#value(load.model_shape);
      load.proof = this.#value(load.proof);
    }
    if (record.kind === "configuration" && record.status === "completed")
      record.proof_after = this.#value(record.proof_after);
    return record;
  }

  #shareAnswer(measurement: Answer): void {
    const known = this.#answers.get(measurement.output_ids_sha256);
    if (known === undefined) {
      this.#answers.set(measurement.output_ids_sha256, measurement);
      return;
    }
    if (measurement.output_text !== known.output_text) return;
    measurement.output_text = known.output_text;
    measurement.output_ids_sha256 = known.output_ids_sha256;
    if (areEqual(measurement.output_ids, known.output_ids)) measurement.output_ids = known.output_ids;
    if (areEqual(measurement.output_pieces, known.output_pieces))
      measurement.output_pieces = known.output_pieces;
    measurement.gpu_state_before = this.#value(measurement.gpu_state_before);
    measurement.gpu_state_after = this.#value(measurement.gpu_state_after);
  }

  #string(text: string): string {
    const known = this.#strings.get(text);
    if (known === undefined) this.#strings.set(text, text);
    return known ?? text;
  }

  #value<T>(value: T): T {
    if (value === null) return value;
    const key = JSON.stringify(value);
    const known = this.#values.get(key) as T | undefined;
    if (known === undefined) this.#values.set(key, value);
    return known ?? value;
  }
}

function areEqual(one: readonly unknown[] | null, other: readonly unknown[] | null): boolean {
  return one?.length === other?.length && (one?.every((value, index) => value === other?.[index]) ?? true);
}
