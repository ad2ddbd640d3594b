/** The formats that `export` writes, kept apart from the code that writes them so that the command line need not load it. */
export const FILE_FORMATS = ["csv", "parquet", "markdown", "json", "model-card"] as const;
/** Formats of several files each, in a folder. */
export const FOLDER_FORMATS = ["benchmark-action", "hub-dataset"] as const;
export const DOCUMENT_FORMATS = [...FILE_FORMATS, ...FOLDER_FORMATS] as const;
export type DocumentFormat = (typeof DOCUMENT_FORMATS)[number];

export function isFolderFormat(format: string): boolean {
  return (FOLDER_FORMATS as readonly string[]).includes(format);
}
