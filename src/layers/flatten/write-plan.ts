import type { ByteString } from "../../tar/index.js";
import type { Tree } from "../tree/tree.js";
import { Directory, type DirectoryAttributes, type Inode } from "../tree/tree-node.js";
import { type CanonicalTarWriter, fitsSquashfs } from "./tar-writer.js";
import type { WrittenFiles } from "./written-files.js";

interface PlacedFile {
  readonly path: ByteString;
  readonly inode: Inode;
}

/**
 * The merged tree laid out for writing, in an order that depends on nothing but the tree: depth
 * first, names in the order of their bytes. The tree is walked each time anew, as a list of all
 * that it holds would take as much memory as the tree.
 */
export class Shape {
  /** Inodes of the file system, directories and the root among them. */
  readonly inodes: number;
  /** Bytes of contents, hard-linked ones once. */
  readonly contentBytes: number;
  /** Names of extended attributes that squashfs cannot hold. */
  readonly droppedXattrs: ReadonlySet<ByteString>;
  /** Files with contents that are still to be written: layer, then ordinal. */
  readonly unwritten: ReadonlyMap<number, ReadonlyMap<number, PlacedFile>>;
  readonly #tree: Tree;
  /** For inodes that may have several names, the one that is not written as a hard link. */
  readonly #primaries: ReadonlyMap<Inode, ByteString>;

  constructor(tree: Tree, written: WrittenFiles) {
    this.#tree = tree;
    this.#primaries = primariesOf(tree, written);
    const unwritten = new Map<number, Map<number, PlacedFile>>();
    const droppedXattrs = new Set<ByteString>();
    const note = ({ xattrs }: DirectoryAttributes) => {
      for (const name of xattrs?.keys() ?? []) if (!fitsSquashfs(name)) droppedXattrs.add(name);
    };
    let inodes = 1;
    let contentBytes = 0;
    for (const { path, node } of walk(tree.root)) {
      if (node instanceof Directory) {
        inodes += 1;
        note(node.attributes);
        continue;
      }
      if (this.#isLink(path, node)) continue;
      inodes += 1;
      note(node.entry);
      contentBytes += node.entry.size;
      if (node.entry.size === 0 || written.has(path, node.entry)) continue;
      const { layer, ordinal } = node;
      const files = unwritten.get(layer) ?? new Map<number, PlacedFile>();
      unwritten.set(layer, files.set(ordinal, { path, inode: node }));
    }
    this.inodes = inodes;
    this.contentBytes = contentBytes;
    this.droppedXattrs = droppedXattrs;
    this.unwritten = unwritten;
  }

  /** Writes, one a step, what comes after all contents: directories, inodes without contents, hard links. */
  *writeTo(writer: CanonicalTarWriter): Generator<void> {
    for (const { path, node } of walk(this.#tree.root)) {
      if (node instanceof Directory) yield writer.directory(path, node.attributes);
    }
    const links: PlacedFile[] = [];
    for (const { path, node } of walk(this.#tree.root)) {
      if (node instanceof Directory) continue;
      if (this.#isLink(path, node)) links.push({ path, inode: node });
      else if (node.entry.size === 0) yield writer.inode(path, node.entry);
    }
    for (const { path, inode } of links) {
      yield writer.hardLink(path, this.#primaries.get(inode)!, inode.entry);
    }
  }

  #isLink(path: ByteString, inode: Inode): boolean {
    return (this.#primaries.get(inode) ?? path) !== path;
  }
}

/** The name under which its contents were written, else the first. */
function primariesOf({ root, linked }: Tree, written: WrittenFiles): Map<Inode, ByteString> {
  const primaries = new Map<Inode, ByteString>();
  if (linked.size === 0) return primaries;
  for (const { path, node } of walk(root)) {
    if (node instanceof Directory || !linked.has(node)) continue;
    if (!primaries.has(node) || written.has(path, node.entry)) primaries.set(node, path);
  }
  return primaries;
}

interface Place {
  readonly path: ByteString;
  readonly node: Directory | Inode;
}

function* walk(directory: Directory, prefix: ByteString = ""): Generator<Place> {
  for (const name of [...directory.children.keys()].sort()) {
    const { node } = directory.children.get(name)!;
    const path = `${prefix}${name}`;
    yield { path, node };
    if (node instanceof Directory) yield* walk(node, `${path}/`);
  }
}
