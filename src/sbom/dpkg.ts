import type { InstalledPackage } from "./package.js";

/** States in which the files of a package are unpacked (dpkg(1), "PACKAGE STATES"). */
const unpackedStates = [
  "unpacked",
  "half-configured",
  "triggers-awaited",
  "triggers-pending",
  "installed",
];

/**
 * Parses `/var/lib/dpkg/status`, or a file in distroless's `status.d`, which contains no states
 * (deb822(5)).
 */
export function parseDpkgStatus(text: string): InstalledPackage[] {
  const packages: InstalledPackage[] = [];
  for (const stanza of text.split(/\n(?:[ \t]*\n)+/)) {
    const fields = fieldsOf(stanza);
    const name = fields.get("package");
    const version = fields.get("version");
    const state = fields.get("status")?.split(" ").at(-1) ?? "installed";
    if (name === undefined || version === undefined || !unpackedStates.includes(state)) continue;
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

/** The fields by their names in lower case, without their continuation lines. */
function fieldsOf(stanza: string): Map<string, string> {
  const fields = new Map<string, string>();
  for (const line of stanza.split("\n")) {
    const colon = line.indexOf(":");
    // Continuation lines begin with a space.
    if (colon <= 0 || /^\s/.test(line)) continue;
    fields.set(line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim());
  }
  return fields;
}
