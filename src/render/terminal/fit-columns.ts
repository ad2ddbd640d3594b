/** Leaves out columns of a table, the most dispensable first, until the rest fits. */
export function withoutWhatDoesNotFit<C extends { readonly droppable: number }>(
  columns: readonly C[],
  fits: (columns: readonly C[]) => boolean,
): readonly C[] {
  const first = Math.max(...columns.map(({ droppable }) => droppable));
  if (first === 0 || fits(columns)) return columns;
  return withoutWhatDoesNotFit(
    columns.filter(({ droppable }) => droppable !== first),
    fits,
  );
}
