/** The first item for each key. */
export function distinctBy<Item>(items: readonly Item[], keyOf: (item: Item) => unknown): Item[] {
  const keys = items.map(keyOf);
  return items.filter((_, number) => keys.indexOf(keys[number]) === number);
}
