import { type ByteString, display, FormatError, type TarEntry } from "../../tar/index.js";
import { joinPath, type PathParts, splitPath } from "./path.js";
import { EndlessPathError, PathWalk } from "./tree-lookup.js";
import { Directory, Inode, impliedAttributes, type Node } from "./tree-node.js";
import { meaningOf } from "./whiteout.js";

/** The entries of one layer, in the order of its archive. */
export interface LayerIndex {
  readonly entries: readonly TarEntry[];
  /** Modification time of directories that the layer needs and does not name; seconds. */
  readonly impliedMtime: number;
}

/** Stands for the inode of a hard link whose target was not there yet when the link came. */
class PendingInode extends Inode {}

/**
 * The file system that layers make when they are laid over each other, bottom first, as a
 * runtime would on a disk (OCI image-spec, layer.md, "Applying Changesets"). This is the one
 * place that knows the rules.
 */
export class Tree {
  readonly root = new Directory(impliedAttributes(0));
  readonly #linked = new Set<Inode>();
  #layer: number;
  #isCertain = true;
  #ordinal = -1;
  #impliedMtime = 0;
  /** Files that this layer's whiteouts hid, by path: its hard links may still mean them. */
  #hidden = new Map<ByteString, Inode>();
  /** Directories that hold nothing of lower layers any more. */
  #emptied = new Set<Directory>();
  #pendingPlaces: { directory: Directory; name: ByteString }[] = [];

  /** @param bottom number of the layer that is applied first; there may be others below it */
  constructor(bottom = 0) {
    this.#layer = bottom - 1;
  }

  /**
   * True as long as each name's place followed from what the layers themselves brought. Whatever
   * lies below them, all that the tree has is then there, at the same place. False once a parent
   * was made or a target missed that a lower layer may have, as a directory or as a symlink.
   */
  get isCertain(): boolean {
    return this.#isCertain;
  }

  /** Inodes that have, or once had, more than one name. */
  get linked(): ReadonlySet<Inode> {
    return this.#linked;
  }

  /**
   * Lays one more layer on top.
   * @throws FormatError that names the entry; the tree is not to be used any more then
   */
  apply(layer: LayerIndex): void {
    for (const _ of this.applying(layer));
  }

  /** The same, an entry a step: each of a hostile layer's may take a millisecond. */
  *applying({ entries, impliedMtime }: LayerIndex): Generator<void> {
    this.#layer += 1;
    this.#ordinal = -1;
    this.#impliedMtime = impliedMtime;
    this.#hidden = new Map();
    this.#emptied = new Set();
    this.#pendingPlaces = [];
    if (this.#layer === 0) this.root.attributes = impliedAttributes(impliedMtime);
    for (const entry of entries) {
      this.#ordinal += 1;
      this.#attempt(entry, () => this.#add(entry));
      yield;
    }
    yield* this.#resolvePending();
  }

  #attempt<Result>(entry: TarEntry, action: () => Result): Result {
    try {
      return action();
    } catch (error) {
      if (!(error instanceof EndlessPathError)) throw error;
      throw new FormatError(`the path ${display(entry.name)} ${error.message}`);
    }
  }

  #add(entry: TarEntry): void {
    const parts = splitPath(entry.name);
    const meaning = meaningOf(parts);
    switch (meaning.kind) {
      case "whiteout": {
        const place = this.#existing(meaning.directory);
        if (place !== undefined) this.#hide(place.directory, meaning.name, place.names);
        break;
      }
      case "opaque": {
        const place = this.#existing(meaning.directory);
        if (place !== undefined) this.#hideChildren(place.directory, place.names);
        break;
      }
      case "bookkeeping":
        break;
      default:
        if (parts.length === 0) this.#applyRoot(entry);
        else if (entry.type === "hardlink") this.#applyHardLink(parts, entry);
        else this.#place(parts, entry);
    }
  }

  #applyRoot(entry: TarEntry): void {
    if (entry.type !== "directory") {
      throw new FormatError(`the entry ${display(entry.name)} would replace the root directory`);
    }
    this.root.attributes = entry;
  }

  #place(parts: PathParts, entry: TarEntry): void {
    const { directory } = this.#parent(parts);
    const name = parts[parts.length - 1]!;
    const present = directory.children.get(name);
    if (entry.type !== "directory") {
      const location = { layer: this.#layer, ordinal: this.#ordinal };
      this.#link(directory, name, new Inode(entry, location));
    } else if (present?.node instanceof Directory) {
      present.node.attributes = entry;
      present.layer = this.#layer;
    } else {
      this.#link(directory, name, new Directory(entry));
    }
  }

  #link(directory: Directory, name: ByteString, node: Node): void {
    directory.children.set(name, { node, layer: this.#layer });
    if (node instanceof PendingInode) this.#pendingPlaces.push({ directory, name });
  }

  /** The directory an entry goes into: symlinks followed, missing ones made, files replaced. */
  #parent(parts: PathParts): PathWalk {
    const walk = this.#walk(parts.slice(0, -1), (directory, name) => {
      this.#isCertain = false;
      const made = new Directory(impliedAttributes(this.#impliedMtime));
      this.#link(directory, name, made);
      return made;
    });
    return walk!;
  }

  /** The directory that a path leads to, if it is there. */
  #existing(parts: PathParts): PathWalk | undefined {
    return this.#walk(parts, () => {
      this.#isCertain = false;
      return undefined;
    });
  }

  /** @param missing what to do where no directory is: make one, or give up with undefined */
  #walk(
    parts: PathParts,
    missing: (directory: Directory, name: ByteString) => Directory | undefined,
  ): PathWalk | undefined {
    const walk = new PathWalk(this.root, parts);
    while (!walk.isDone) {
      const name = walk.next();
      if (name === undefined) continue;
      const node = walk.directory.children.get(name)?.node;
      if (node instanceof Inode && node.entry.type === "symlink") {
        walk.follow(node.entry.linkName);
        continue;
      }
      const next = node instanceof Directory ? node : missing(walk.directory, name);
      if (next === undefined) return undefined;
      walk.enter(name, next);
    }
    return walk;
  }

  /** Takes away what lower layers have under a name; what this layer put there stays. */
  #hide(directory: Directory, name: ByteString, path: PathParts): void {
    const link = directory.children.get(name);
    if (link === undefined) return;
    const own = [...path, name];
    if (link.node instanceof Inode) {
      if (link.layer === this.#layer) return;
      this.#hidden.set(joinPath(own), link.node);
      directory.children.delete(name);
      return;
    }
    this.#hideChildren(link.node, own);
    if (link.layer === this.#layer) return;
    if (link.node.children.size === 0) {
      directory.children.delete(name);
    } else {
      link.node.attributes = impliedAttributes(this.#impliedMtime);
      link.layer = this.#layer;
    }
  }

  #hideChildren(directory: Directory, path: PathParts): void {
    // Nothing of a lower layer can come into it again while this one is applied.
    if (this.#emptied.has(directory)) return;
    this.#emptied.add(directory);
    for (const name of [...directory.children.keys()]) this.#hide(directory, name, path);
  }

  #applyHardLink(parts: PathParts, entry: TarEntry): void {
    const target = this.#targetOf(entry);
    const { directory } = this.#parent(parts);
    const name = parts[parts.length - 1]!;
    if (target === undefined) {
      const location = { layer: this.#layer, ordinal: this.#ordinal };
      this.#link(directory, name, new PendingInode(entry, location));
    } else if (target.directory !== directory || target.name !== name) {
      this.#link(directory, name, target.inode);
      this.#linked.add(target.inode);
    }
  }

  /** What a hard link's target names; its last part is not followed. */
  #targetOf(entry: TarEntry): { directory: Directory; name: ByteString; inode: Inode } | undefined {
    const parts = splitPath(entry.linkName);
    const directory = this.#existing(parts.slice(0, -1))?.directory;
    const name = parts[parts.length - 1];
    const node = name === undefined ? directory : directory?.children.get(name)?.node;
    if (node === undefined) this.#isCertain = false;
    if (node instanceof Directory) {
      throw new FormatError(
        `the hard link ${display(entry.name)} points to ${display(entry.linkName)}, a directory`,
      );
    }
    return node && { directory: directory!, name: name!, inode: node };
  }

  /** Gives the links whose targets came after them, or were hidden, their inodes. */
  *#resolvePending(): Generator<void> {
    const resolved = new Map<PendingInode, Inode>();
    for (const { directory, name } of this.#pendingPlaces) {
      const link = directory.children.get(name);
      if (!(link?.node instanceof PendingInode)) continue;
      const { entry } = link.node;
      const inode = this.#attempt(entry, () => this.#follow(link.node as PendingInode, resolved));
      this.#linked.add(inode);
      link.node = inode;
      yield;
    }
  }

  /** Follows links that are themselves targets of links, to what they mean in the end. */
  #follow(pending: PendingInode, resolved: Map<PendingInode, Inode>): Inode {
    const chain = new Set<PendingInode>();
    let current: Inode = pending;
    while (current instanceof PendingInode) {
      const known = resolved.get(current);
      chain.add(current);
      current = known ?? this.#lateTargetOf(current.entry, chain);
    }
    for (const link of chain) resolved.set(link, current);
    return current;
  }

  #lateTargetOf(entry: TarEntry, chain: ReadonlySet<Inode>): Inode {
    const target = this.#targetOf(entry)?.inode;
    if (target !== undefined && !chain.has(target)) return target;
    const hidden = this.#hidden.get(joinPath(splitPath(entry.linkName)));
    if (hidden !== undefined) return hidden;
    throw new FormatError(
      `the hard link ${display(entry.name)} points to ${display(entry.linkName)}, which is nowhere`,
    );
  }
}
