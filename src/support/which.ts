import { access, constants } from "node:fs/promises";
import { delimiter, join } from "node:path";

const found = new Map<string, Promise<string | undefined>>();

/** The full path of a program on PATH; undefined if there is none. Searches only once for a name. */
export function findProgram(name: string): Promise<string | undefined> {
  const path = process.env.PATH ?? "";
  const key = `${name}\0${path}`;
  let search = found.get(key);
  if (search === undefined) {
    search = searchPath(name, path);
    found.set(key, search);
  }
  return search;
}

async function searchPath(name: string, path: string): Promise<string | undefined> {
  for (const directory of path.split(delimiter)) {
    if (directory === "") continue;
    const candidate = join(directory, name);
    try {
      await access(candidate, constants.X_OK);
      return candidate;
    } catch {}
  }
  return undefined;
}
