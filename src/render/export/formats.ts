/** What `export` writes as one document; apart from the writing, so that the command line need not load it. */
export const DOCUMENT_FORMATS = ["csv", "parquet", "markdown", "json"] as const;
export type DocumentFormat = (typeof DOCUMENT_FORMATS)[number];
