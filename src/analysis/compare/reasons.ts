/** Why figures of two sides, or of a run and the one before it, cannot be compared. */

export type Settings = Readonly<Record<string, unknown>>;

/** Settings of `generate` that differ. */
export interface SettingsDifference {
  readonly names: readonly string[];
  readonly sides: readonly Settings[];
}

/** What a configuration was asked to be. */
export interface Asked {
  readonly quantization: string;
  readonly dtype: string;
  readonly device: string;
  readonly attention: string;
}

export type Reason =
  | { readonly kind: "prompts" | "tokens" | "generation" | "batch-size" | "model" | "scoring" }
  | { readonly kind: "text"; readonly textId: string }
  | { readonly kind: "settings"; readonly difference: SettingsDifference }
  | { readonly kind: "asked"; readonly before: Asked; readonly after: Asked }
  | { readonly kind: "memory"; readonly before: string; readonly after: string }
  | ({ readonly kind: "changed" } & Change);

/** A part of the model or the machine that is not the same any more. */
export interface Change {
  readonly what: string;
  readonly before: string | null;
  readonly after: string | null;
}
