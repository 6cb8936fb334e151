const maxListedNames = 24;

/** Lists names in a message, but not too many. */
export function listNames(names: readonly string[]): string {
  return names.slice(0, maxListedNames).join(", ") + (names.length > maxListedNames ? ", …" : "");
}
