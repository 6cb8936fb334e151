import type { ByteString } from "../tar/index.js";
import { type CanonicalTarWriter, fitsSquashfs } from "./tar-writer.js";
import { Directory, type DirectoryAttributes, type Inode, type Node } from "./tree/tree-node.js";
import type { WrittenFiles } from "./written-files.js";

interface PlacedFile {
  readonly path: ByteString;
  readonly inode: Inode;
}

/** The merged tree laid out for writing, in an order that depends on nothing but the tree. */
export class Shape {
  /** Inodes of the file system, directories and the root among them. */
  readonly inodes: number;
  /** Bytes of contents, hard-linked ones once. */
  readonly contentBytes: number;
  /** Names of extended attributes that squashfs cannot hold. */
  readonly droppedXattrs: ReadonlySet<ByteString>;
  /** Files with contents that are still to be written: layer, then ordinal. */
  readonly unwritten: ReadonlyMap<number, ReadonlyMap<number, PlacedFile>>;
  readonly #walk: Walk;
  readonly #primaries: ReadonlyMap<Inode, ByteString>;

  constructor(walk: Walk, written: WrittenFiles) {
    this.#walk = walk;
    const primaries = new Map<Inode, ByteString>();
    const unwritten = new Map<number, Map<number, PlacedFile>>();
    let contentBytes = 0;
    const seen = new Set<Inode>();
    for (const { path, inode } of walk.names) {
      if (seen.has(inode)) continue;
      seen.add(inode);
      contentBytes += inode.entry.size;
      const writtenPath = written.pathOf(inode.entry);
      primaries.set(inode, writtenPath ?? path);
      if (writtenPath !== undefined) continue;
      if (inode.entry.size > 0) {
        const { layer, ordinal } = inode.location;
        const files = unwritten.get(layer) ?? new Map<number, PlacedFile>();
        unwritten.set(layer, files.set(ordinal, { path, inode }));
      }
    }
    this.#primaries = primaries;
    this.unwritten = unwritten;
    this.contentBytes = contentBytes;
    this.inodes = 1 + walk.directories.length + seen.size;
    this.droppedXattrs = droppedXattrs(walk);
  }

  /** Writes, one a step, what comes after all contents: directories, inodes without contents, hard links. */
  *writeTo(writer: CanonicalTarWriter): Generator<void> {
    for (const { path, attributes } of this.#walk.directories) {
      yield writer.directory(path, attributes);
    }
    const links: PlacedFile[] = [];
    for (const file of this.#walk.names) {
      if (this.#primaries.get(file.inode) !== file.path) links.push(file);
      else if (file.inode.entry.size === 0) yield writer.inode(file.path, file.inode.entry);
    }
    for (const { path, inode } of links) {
      yield writer.hardLink(path, this.#primaries.get(inode)!, inode.entry);
    }
  }
}

function droppedXattrs({ directories, names }: Walk): Set<ByteString> {
  const dropped = new Set<ByteString>();
  const note = ({ xattrs }: DirectoryAttributes) => {
    for (const name of xattrs?.keys() ?? []) if (!fitsSquashfs(name)) dropped.add(name);
  };
  for (const { attributes } of directories) note(attributes);
  for (const { inode } of names) note(inode.entry);
  return dropped;
}

interface Walk {
  readonly directories: { path: ByteString; attributes: DirectoryAttributes }[];
  readonly names: PlacedFile[];
}

export function shapeOf(root: Directory, written: WrittenFiles): Shape {
  const walk: Walk = { directories: [], names: [] };
  collect(root, "", walk);
  return new Shape(walk, written);
}

/** Depth first, names in the order of their bytes. */
function collect(directory: Directory, prefix: ByteString, walk: Walk): void {
  const names = [...directory.children.keys()].sort();
  for (const name of names) {
    const node: Node = directory.children.get(name)!.node;
    const path = `${prefix}${name}`;
    if (node instanceof Directory) {
      walk.directories.push({ path, attributes: node.attributes });
      collect(node, `${path}/`, walk);
    } else {
      walk.names.push({ path, inode: node });
    }
  }
}
