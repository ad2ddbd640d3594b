/** What an export produces. */
import type { RunData } from "../../run/run-data.js";

/** A text in pieces, because it may be too large for one string. */
export interface Pieces {
  readonly pieces: Iterable<string>;
}

export type FileContent = string | Uint8Array | Pieces;

/** The files of a folder, and what people can do with them. */
export interface FolderContent {
  /** Name → content. */
  readonly files: Readonly<Record<string, FileContent>>;
  /** Lines for people; `folder` is the folder's path, quoted for a shell if needed. */
  readonly explain: (folder: string) => readonly string[];
}

/** Takes runs one after another and keeps only what the document needs of each, so that thousands fit into memory. */
export interface Exporter {
  add(data: RunData): void;
  /** Returns the document of the added runs, in the order in which they were added. */
  content(): FileContent | FolderContent;
}
