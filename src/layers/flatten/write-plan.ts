import { NetbootError } from "../../support/index.js";
import { type ByteString, display } from "../../tar/index.js";
import type { Tree } from "../tree/tree.js";
import {
  Directory,
  type DirectoryAttributes,
  type Inode,
  type InodeEntry,
  type TreeNode,
} from "../tree/tree-node.js";
import type { InodeLimits } from "./inode-limits.js";
import type { CanonicalTarWriter } from "./tar-writer.js";
import type { WrittenFiles } from "./written-files.js";

interface PlacedFile {
  readonly path: ByteString;
  readonly inode: Inode;
}

/** A name of an inode that is already in the tar under another name. */
interface HardLink extends PlacedFile {
  readonly target: ByteString;
}

/**
 * The merged tree arranged for writing, in an order that depends on nothing but the tree: depth
 * first, names in byte order. Each use walks the tree again, because a list of everything in it
 * would take as much memory as the tree.
 */
export class WritePlan {
  /** Number of inodes in the file system, including directories and the root. */
  readonly inodes: number;
  /** Bytes of contents; hard-linked files count once. */
  readonly contentBytes: number;
  /** Names of extended attributes that the file system cannot store. */
  readonly droppedXattrs: ReadonlySet<ByteString>;
  /** Files whose contents still have to be written, by layer and ordinal. */
  readonly unwritten: ReadonlyMap<number, ReadonlyMap<number, PlacedFile>>;
  readonly #tree: Tree;
  /** For each inode that may have several names, the one that is not written as a hard link. */
  readonly #primaryNames: ReadonlyMap<Inode, ByteString>;

  /**
   * @param written the files whose contents are already in the output
   * @throws NetbootError DEVICE_UNSUPPORTED
   */
  constructor(tree: Tree, written: WrittenFiles, limits: InodeLimits) {
    this.#tree = tree;
    this.#primaryNames = choosePrimaryNames(tree, written);
    const unwritten = new Map<number, Map<number, PlacedFile>>();
    const droppedXattrs = new Set<ByteString>();
    const noteXattrs = ({ xattrs }: DirectoryAttributes) => {
      for (const name of xattrs?.keys() ?? []) {
        if (!limits.supportsXattr(name)) droppedXattrs.add(name);
      }
    };
    let inodes = 1;
    let contentBytes = 0;
    for (const { path, node } of walk(tree.root)) {
      if (node instanceof Directory) {
        inodes += 1;
        noteXattrs(node.attributes);
        continue;
      }
      if (this.#targetOfLink(path, node) !== undefined) continue;
      inodes += 1;
      noteXattrs(node.entry);
      checkDevice(path, node.entry, limits);
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

  /**
   * Writes, one per step, what follows all contents: directories, inodes without contents, and
   * hard links.
   */
  *writeNames(writer: CanonicalTarWriter): Generator<void> {
    for (const { path, node } of walk(this.#tree.root)) {
      if (node instanceof Directory) yield writer.directory(path, node.attributes);
    }
    const links: HardLink[] = [];
    for (const { path, node } of walk(this.#tree.root)) {
      if (node instanceof Directory) continue;
      const target = this.#targetOfLink(path, node);
      if (target !== undefined) links.push({ path, inode: node, target });
      else if (node.entry.size === 0) yield writer.inode(path, node.entry);
    }
    for (const { path, inode, target } of links) yield writer.hardLink(path, target, inode.entry);
  }

  /** The primary name of the inode if this path is another one. */
  #targetOfLink(path: ByteString, inode: Inode): ByteString | undefined {
    const primary = this.#primaryNames.get(inode);
    return primary === path ? undefined : primary;
  }
}

/** Chooses the name under which the contents were written, otherwise the first one. */
function choosePrimaryNames({ root, linked }: Tree, written: WrittenFiles): Map<Inode, ByteString> {
  const names = new Map<Inode, ByteString>();
  if (linked.size === 0) return names;
  for (const { path, node } of walk(root)) {
    if (node instanceof Directory || !linked.has(node)) continue;
    if (!names.has(node) || written.has(path, node.entry)) names.set(node, path);
  }
  return names;
}

/** Some versions of mksquashfs silently truncate device numbers that are too large. */
function checkDevice(path: ByteString, entry: InodeEntry, limits: InodeLimits): void {
  const { type, deviceMajor, deviceMinor } = entry;
  if (type !== "character-device" && type !== "block-device") return;
  const { maxDeviceMajor, maxDeviceMinor } = limits;
  if (deviceMajor <= maxDeviceMajor && deviceMinor <= maxDeviceMinor) return;
  throw new NetbootError(
    "DEVICE_UNSUPPORTED",
    `The device file /${display(path)} in the image has the number ${deviceMajor}:${deviceMinor}, but Linux and squashfs support only numbers up to ${maxDeviceMajor}:${maxDeviceMinor}.`,
    "Build the image without this device file, or with a valid device number.",
  );
}

interface Place {
  readonly path: ByteString;
  readonly node: TreeNode;
}

/** Uses a stack of its own, because each step of nested generators takes time at every level. */
function* walk(root: Directory): Generator<Place> {
  const stack = [{ directory: root, prefix: "", names: namesBackwards(root) }];
  for (let top = stack.at(-1); top !== undefined; top = stack.at(-1)) {
    const name = top.names.pop();
    const node = name === undefined ? undefined : top.directory.children.get(name)?.node;
    if (node === undefined) {
      stack.pop();
      continue;
    }
    const path = `${top.prefix}${name}`;
    yield { path, node };
    if (node instanceof Directory) {
      stack.push({ directory: node, prefix: `${path}/`, names: namesBackwards(node) });
    }
  }
}

function namesBackwards({ children }: Directory): ByteString[] {
  return [...children.keys()].sort().reverse();
}
