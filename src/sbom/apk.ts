import type { InstalledPackage } from "./package.js";

/** Reads `/lib/apk/db/installed` (apk-package(5): a letter a field, an empty line a package). */
export function parseApkInstalled(text: string): InstalledPackage[] {
  const packages: InstalledPackage[] = [];
  for (const stanza of text.split(/\n{2,}/)) {
    const fields = new Map<string, string>();
    for (const line of stanza.split("\n")) {
      // Those of files repeat; those of the package come first.
      if (line[1] === ":" && !fields.has(line[0]!)) fields.set(line[0]!, line.slice(2).trim());
    }
    const name = fields.get("P");
    const version = fields.get("V");
    if (name === undefined || version === undefined) continue;
    const license = fields.get("L");
    const source = fields.get("o");
    const homepage = fields.get("U");
    packages.push({
      type: "apk",
      name,
      version,
      architecture: fields.get("A") ?? "noarch",
      ...(license ? { license } : {}),
      ...(source === undefined || source === name ? {} : { source }),
      ...(homepage ? { homepage } : {}),
    });
  }
  return packages;
}
