import { readFileSync } from "node:fs";

/** The version of this program, from its package.json. */
export function programVersion(): string {
  // The tests are compiled into a directory that is one level deeper.
  for (const path of ["../../package.json", "../../../package.json"]) {
    try {
      const { name, version } = JSON.parse(readFileSync(new URL(path, import.meta.url), "utf8"));
      if (name === "kairos-netboot") return version;
    } catch {}
  }
  return "unknown";
}
