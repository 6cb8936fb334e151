import type { InstalledPackage } from "./package.js";

/** States in which a package's files are there (dpkg(1), "PACKAGE STATES"). */
const present = [
  "unpacked",
  "half-configured",
  "triggers-awaited",
  "triggers-pending",
  "installed",
];

/**
 * Reads `/var/lib/dpkg/status`, or a file of distroless' `status.d`, which gives no states
 * (deb822(5)).
 */
export function parseDpkgStatus(text: string): InstalledPackage[] {
  const packages: InstalledPackage[] = [];
  for (const stanza of text.split(/\n(?:[ \t]*\n)+/)) {
    const fields = fieldsOf(stanza);
    const name = fields.get("package");
    const version = fields.get("version");
    const state = fields.get("status")?.split(" ").at(-1) ?? "installed";
    if (name === undefined || version === undefined || !present.includes(state)) continue;
    const source = fields.get("source")?.replace(/ \(.*$/, "");
    const homepage = fields.get("homepage");
    packages.push({
      type: "deb",
      name,
      version,
      architecture: fields.get("architecture") ?? "all",
      ...(source === undefined || source === name ? {} : { source }),
      ...(homepage === undefined ? {} : { homepage }),
    });
  }
  return packages;
}

/** By their names in lower case; further lines of a field are left out. */
function fieldsOf(stanza: string): Map<string, string> {
  const fields = new Map<string, string>();
  for (const line of stanza.split("\n")) {
    const colon = line.indexOf(":");
    // Further lines of a field begin with a space.
    if (colon <= 0 || /^\s/.test(line)) continue;
    fields.set(line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim());
  }
  return fields;
}
