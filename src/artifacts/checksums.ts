import { isFileName } from "./netboot-json.js";

export const checksumsName = "SHA256SUMS";
export const checksumsSignatureName = "SHA256SUMS.sig";

/** A limit for lists that somebody else wrote. */
const maxFiles = 1000;

/** Formats a list that `sha256sum -c` reads. */
export function formatChecksums(files: readonly { name: string; sha256: string }[]): string {
  return files.map(({ name, sha256 }) => `${sha256}  ${name}\n`).join("");
}

/**
 * Parses what `sha256sum` writes.
 * @returns the SHA-256 of each file by its name; undefined if a line has another form, if a name
 *   has two different sums, or if a name leads out of the directory
 */
export function parseChecksums(text: string): Map<string, string> | undefined {
  const sums = new Map<string, string>();
  for (const line of text.split("\n")) {
    if (line === "") continue;
    const [, sum, path] = /^([0-9a-f]{64}) [ *](.+)$/.exec(line) ?? [];
    if (sum === undefined || path === undefined) return undefined;
    const name = path.replace(/^\.\//, "");
    if (!isFileName(name) || sums.size >= maxFiles) return undefined;
    if ((sums.get(name) ?? sum) !== sum) return undefined;
    sums.set(name, sum);
  }
  return sums;
}
