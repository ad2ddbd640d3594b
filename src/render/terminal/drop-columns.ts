/** Drops columns of a table, those of the highest `dropRank` first, until the rest fits; rank 0 is never dropped. */
export function dropColumnsToFit<C extends { readonly dropRank: number }>(
  columns: readonly C[],
  fits: (columns: readonly C[]) => boolean,
): readonly C[] {
  const first = Math.max(...columns.map(({ dropRank }) => dropRank));
  if (first === 0 || fits(columns)) return columns;
  return dropColumnsToFit(
    columns.filter(({ dropRank }) => dropRank !== first),
    fits,
  );
}
