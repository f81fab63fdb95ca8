/** Does the work for every item, so many at once, begun in their order; the results are in that order too. */
export async function inParallel<Item, Result>(
  items: readonly Item[],
  atOnce: number,
  work: (item: Item, index: number) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = [];
  const rest = items.entries();
  const workThrough = async () => {
    // One iterator for all: each takes the next item that nobody has.
    for (const [index, item] of rest) results[index] = await work(item, index);
  };
  await Promise.all(Array.from({ length: atOnce }, workThrough));
  return results;
}
