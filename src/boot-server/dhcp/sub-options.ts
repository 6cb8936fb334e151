/**
 * Finds an option inside another one, such as PXE's in option 43 or iPXE's in option 175.
 * @returns undefined if it is missing, or the outer option is malformed
 */
export function findSubOption(
  encapsulated: Buffer | undefined,
  wanted: number,
): Buffer | undefined {
  if (encapsulated === undefined) return undefined;
  for (let at = 0; at < encapsulated.length; ) {
    const code = encapsulated[at];
    if (code === 255) return undefined;
    if (code === 0) {
      at += 1;
      continue;
    }
    const length = encapsulated[at + 1] ?? 0;
    const value = encapsulated.subarray(at + 2, at + 2 + length);
    if (code === wanted) return value.length === length ? value : undefined;
    at += 2 + length;
  }
  return undefined;
}
