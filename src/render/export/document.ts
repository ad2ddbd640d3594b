/** What an export comes to. */
import type { RunData } from "../../run/run-data.js";

/** A text too large to be one, in pieces. */
export interface Pieces {
  readonly pieces: Iterable<string>;
}

export type FileContent = string | Uint8Array | Pieces;

/** Files of a folder, and what people do with them. */
export interface FolderContent {
  /** Name → content. */
  readonly files: Readonly<Record<string, FileContent>>;
  /** Lines for people; `folder` is the folder as a shell takes it. */
  readonly explain: (folder: string) => readonly string[];
}

/** Takes runs one after another and keeps of each only what the document needs, so that thousands fit. */
export interface Exporter {
  add(data: RunData): void;
  /** The document of the runs that were added, in their order. */
  content(): FileContent | FolderContent;
}
