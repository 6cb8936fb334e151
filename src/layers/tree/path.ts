import type { ByteString } from "../../tar/index.js";

/** The parts of a path below the root; the root itself has none. */
export type PathParts = readonly ByteString[];

/**
 * Splits a name as written in an archive: `./x`, `/x`, `x/` and `x//y` name the paths that one
 * would expect. `..` goes up one directory and stops at the root.
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

/**
 * The last part of a path.
 * @throws RangeError for the root, which has no name
 */
export function lastPart(parts: PathParts): ByteString {
  const last = parts.at(-1);
  if (last === undefined) throw new RangeError("the root directory has no name");
  return last;
}

/** The directory that contains a normalized path: `` is the root, which has no parent itself. */
export function parentPath(path: ByteString): ByteString | undefined {
  if (path === "") return undefined;
  return path.slice(0, Math.max(path.lastIndexOf("/"), 0));
}

/** splitPath and joinPath combined; fast if the name is already normalized. */
export function normalizePath(name: ByteString): ByteString {
  if (/^(?:[^/.][^/]*\/)*[^/.][^/]*$/.test(name)) return name;
  return joinPath(splitPath(name));
}

/** True if the `..` parts of a name would lead out of the root if nothing stopped them there. */
export function escapesRoot(name: ByteString): boolean {
  if (!name.includes("..")) return false;
  let depth = 0;
  for (const part of name.split("/")) {
    if (part === "..") depth -= 1;
    else if (part !== "" && part !== ".") depth += 1;
    if (depth < 0) return true;
  }
  return false;
}
