import { type ByteString, display, FormatError } from "../../tar/index.js";
import { joinPath, type PathParts } from "./path.js";

const prefix = ".wh.";
const metaPrefix = ".wh..wh.";
const opaqueName = ".wh..wh..opq";

/** eStargz's own entries in the root of a layer, which are not part of the file system. */
const eStargzNames = new Set(["stargz.index.json", ".prefetch.landmark", ".no.prefetch.landmark"]);

/** The role of an entry, which its name alone decides, whatever its type. */
export type EntryRole =
  /** part of the file system */
  | { readonly kind: "ordinary" }
  /** hides the child `name` of `directory` in the layers below */
  | { readonly kind: "whiteout"; readonly directory: PathParts; readonly name: ByteString }
  /** hides all children of `directory` in the layers below */
  | { readonly kind: "opaque"; readonly directory: PathParts }
  /** bookkeeping of aufs or eStargz */
  | { readonly kind: "bookkeeping" };

const ordinary: EntryRole = { kind: "ordinary" };
const bookkeeping: EntryRole = { kind: "bookkeeping" };

/**
 * Distinguishes whiteouts from ordinary entries (OCI image-spec, layer.md, "Whiteouts").
 * @throws FormatError for a whiteout without a name to hide
 */
export function classifyEntry(parts: PathParts): EntryRole {
  const name = parts.at(-1);
  if (name === undefined) return ordinary;
  if (parts.length === 1 && eStargzNames.has(name)) return bookkeeping;
  if (!parts.some((part) => part.startsWith(prefix))) return ordinary;
  const directory = parts.slice(0, -1);
  if (directory.some((part) => part.startsWith(metaPrefix))) return bookkeeping;
  if (!name.startsWith(prefix)) return ordinary;
  if (name === opaqueName) return { kind: "opaque", directory };
  if (name.startsWith(metaPrefix)) return bookkeeping;
  const hidden = name.slice(prefix.length);
  if (hidden === "" || hidden === "." || hidden === "..") {
    throw new FormatError(`the whiteout ${display(joinPath(parts))} does not name a file`);
  }
  return { kind: "whiteout", directory, name: hidden };
}
