/**
 * torch takes memory in pages of 2 MB (Linux), on both sides. With small ones, where a load's weights happen to lie makes it up to
 * some percent faster or slower for all its generates, and the same loop beside itself is 5 % apart for a whole load.
 */
export const LARGE_PAGES = { THP_MEM_ALLOC_ENABLE: "1" } as const;
