import { readFileSync } from "node:fs";

/** The version of this program, from its package.json. */
export function programVersion(): string {
  // Below dist/ the program is bundled into one directory; the tests compile each file on its own.
  for (const path of ["../package.json", "../../../package.json"]) {
    try {
      const { name, version } = JSON.parse(readFileSync(new URL(path, import.meta.url), "utf8"));
      if (name === "kairos-netboot") return version;
    } catch {}
  }
  return "unknown";
}
