import { display, FormatError } from "../../tar/index.js";
import { joinPath, type PathParts } from "./path.js";

const prefix = ".wh.";
const metaPrefix = ".wh..wh.";
const opaque = ".wh..wh..opq";

/** eStargz's own entries, which stand in the root of a layer and are no part of the file system. */
const eStargzNames = new Set(["stargz.index.json", ".prefetch.landmark", ".no.prefetch.landmark"]);

/** What an entry's name makes of it, whatever its type. */
export type Meaning =
  /** an ordinary file */
  | { readonly kind: "file" }
  /** hides the child `name` of `directory` in the layers below */
  | { readonly kind: "whiteout"; readonly directory: PathParts; readonly name: string }
  /** hides all children of `directory` in the layers below */
  | { readonly kind: "opaque"; readonly directory: PathParts }
  /** bookkeeping of aufs or eStargz */
  | { readonly kind: "bookkeeping" };

const file: Meaning = { kind: "file" };
const bookkeeping: Meaning = { kind: "bookkeeping" };

/**
 * Tells whiteouts from files (OCI image-spec, layer.md, "Whiteouts").
 * @throws FormatError for a whiteout that names nothing.
 */
export function meaningOf(parts: PathParts): Meaning {
  const last = parts.length - 1;
  if (last === 0 && eStargzNames.has(parts[0]!)) return bookkeeping;
  if (!parts.some((part) => part.startsWith(prefix))) return file;
  const directory = parts.slice(0, -1);
  if (directory.some((part) => part.startsWith(metaPrefix))) return bookkeeping;
  const name = parts[last]!;
  if (!name.startsWith(prefix)) return file;
  if (name === opaque) return { kind: "opaque", directory };
  if (name.startsWith(metaPrefix)) return bookkeeping;
  const hidden = name.slice(prefix.length);
  if (hidden === "" || hidden === "." || hidden === "..") {
    throw new FormatError(`the whiteout ${display(joinPath(parts))} names nothing`);
  }
  return { kind: "whiteout", directory, name: hidden };
}
