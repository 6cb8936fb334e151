import type { InstalledPackage } from "./package.js";

/**
 * Parses `/lib/apk/db/installed` (apk-package(5)): each line is a field with a one-letter name, and an
 * empty line ends a package.
 */
export function parseApkInstalled(text: string): InstalledPackage[] {
  return text.split(/\n{2,}/).flatMap((stanza) => parseStanza(stanza) ?? []);
}

function parseStanza(stanza: string): InstalledPackage | undefined {
  const fields = new Map<string, string>();
  for (const line of stanza.split("\n")) {
    const [letter] = line;
    // The package's own fields come first. Those of its files have the same names.
    if (letter === undefined || line[1] !== ":" || fields.has(letter)) continue;
    fields.set(letter, line.slice(2).trim());
  }
  const name = fields.get("P");
  const version = fields.get("V");
  if (name === undefined || version === undefined) return undefined;
  const license = fields.get("L");
  const source = fields.get("o");
  const homepage = fields.get("U");
  return {
    type: "apk",
    name,
    version,
    architecture: fields.get("A") ?? "noarch",
    ...(license ? { license } : {}),
    ...(source === undefined || source === name ? {} : { source }),
    ...(homepage ? { homepage } : {}),
  };
}
