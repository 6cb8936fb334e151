import { readFileSync } from "node:fs";

/** The version of this program, from its package.json. */
export function programVersion(): string {
  for (const path of ["../../package.json", "../../../package.json"]) {
    try {
      const { name, version } = JSON.parse(readFileSync(new URL(path, import.meta.url), "utf8"));
      if (name === "kairos-netboot") return version;
    } catch {
      // Not there: compiled for the tests, this file lies one directory deeper.
    }
  }
  return "unknown";
}
