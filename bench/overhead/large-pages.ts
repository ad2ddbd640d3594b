/**
 * Makes torch take memory in pages of 2 MB (Linux), on both sides. With small pages, the place of a load's weights in memory
 * makes all its generates up to some percent faster or slower, and the same loop compared with itself differs by 5 % for a whole
 * load.
 */
export const LARGE_PAGES = { THP_MEM_ALLOC_ENABLE: "1" } as const;
