import type { ByteString } from "../../tar/index.js";

/** The parts of a path below the root; the root itself has none. */
export type PathParts = readonly ByteString[];

/**
 * The parts of a name as an archive writes it: `./x`, `/x`, `x/` and `x//y` are read as one would
 * expect, `..` goes up and stays at the root.
 */
export function splitPath(name: ByteString): ByteString[] {
  const parts: ByteString[] = [];
  for (const part of name.split("/")) {
    if (part === "" || part === ".") continue;
    if (part === "..") parts.pop();
    else parts.push(part);
  }
  return parts;
}

export function joinPath(parts: PathParts): ByteString {
  return parts.join("/");
}

/** The directory a normalised path stands in: `` for the root, which itself stands in none. */
export function parentPath(path: ByteString): ByteString | undefined {
  if (path === "") return undefined;
  return path.slice(0, Math.max(path.lastIndexOf("/"), 0));
}

/** splitPath and joinPath in one, fast where there is nothing to do. */
export function normalizePath(name: ByteString): ByteString {
  if (/^(?:[^/.][^/]*\/)*[^/.][^/]*$/.test(name)) return name;
  return joinPath(splitPath(name));
}

/** True for a name whose `..` would lead out of the root if they were not stopped there. */
export function climbsOut(name: ByteString): boolean {
  if (!name.includes("..")) return false;
  let depth = 0;
  for (const part of name.split("/")) {
    if (part === "..") depth -= 1;
    else if (part !== "" && part !== ".") depth += 1;
    if (depth < 0) return true;
  }
  return false;
}
