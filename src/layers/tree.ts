import { type ByteString, display } from "./byte-string.js";
import { LayerFormatError } from "./layer-format-error.js";
import { joinPath, type PathParts, splitPath } from "./path.js";
import type { TarEntry } from "./tar-entry.js";
import { nodeAt, PathWalk, SymlinkLoopError } from "./tree-lookup.js";
import { Directory, Inode, impliedAttributes, type Link, type Node } from "./tree-node.js";
import { meaningOf } from "./whiteout.js";

/** The entries of one layer, in the order of its archive. */
export interface LayerIndex {
  readonly entries: readonly TarEntry[];
  /** Modification time of directories that the layer needs and does not name; seconds. */
  readonly impliedMtime: number;
}

/** Rounds of resolving links whose targets are links that come later; a bound against forgeries. */
const mostRounds = 20;

/** A hard link whose target was not there yet when it came. */
interface PendingLink {
  readonly entry: TarEntry;
  readonly ordinal: number;
}

/**
 * The file system that layers make when they are laid over each other, bottom first, as a
 * runtime would on a disk (OCI image-spec, layer.md, "Applying Changesets"). This is the one
 * place that knows the rules.
 */
export class Tree {
  readonly root = new Directory(impliedAttributes(0));
  #layer = -1;
  #ordinal = -1;
  #impliedMtime = 0;
  /** Files that this layer's whiteouts hid, by path: its hard links may still mean them. */
  #hidden = new Map<ByteString, Inode>();
  #pending: PendingLink[] = [];

  /**
   * Lays one more layer on top.
   * @throws LayerFormatError that names the entry; the tree is not to be used any more then
   */
  apply(layer: LayerIndex): void {
    this.beginLayer(layer.impliedMtime);
    for (const entry of layer.entries) this.add(entry);
    this.endLayer();
  }

  /**
   * The same, entry by entry, while a layer is being read.
   * @param impliedMtime as in LayerIndex
   */
  beginLayer(impliedMtime: number): void {
    this.#layer += 1;
    this.#ordinal = -1;
    this.#impliedMtime = impliedMtime;
    this.#hidden = new Map();
    this.#pending = [];
    if (this.#layer === 0) this.root.attributes = impliedAttributes(impliedMtime);
  }

  /**
   * @returns the path, symlinks followed, where the entry stands in the tree now; undefined for
   * one that stands nowhere, or not yet
   * @throws LayerFormatError as `apply`
   */
  add(entry: TarEntry): PathParts | undefined {
    this.#ordinal += 1;
    return this.#attempt(entry, () => this.#addEntry(entry, this.#ordinal));
  }

  endLayer(): void {
    this.#resolvePendingLinks();
  }

  #attempt<Result>(entry: TarEntry, action: () => Result): Result {
    try {
      return action();
    } catch (error) {
      if (!(error instanceof SymlinkLoopError)) throw error;
      throw new LayerFormatError(
        `the path ${display(entry.name)} leads through a loop of symlinks`,
      );
    }
  }

  #addEntry(entry: TarEntry, ordinal: number): PathParts | undefined {
    const parts = checkedPath(entry);
    const meaning = meaningOf(parts);
    switch (meaning.kind) {
      case "whiteout": {
        const place = this.#existing(meaning.directory);
        if (place !== undefined) this.#hide(place.directory, meaning.name, place.names);
        return undefined;
      }
      case "opaque": {
        const place = this.#existing(meaning.directory);
        if (place !== undefined) this.#hideChildren(place.directory, place.names);
        return undefined;
      }
      case "bookkeeping":
        return undefined;
      default:
        if (parts.length === 0) return this.#applyRoot(entry);
        if (entry.type === "hardlink") return this.#applyHardLink(entry, ordinal);
        return this.#place(parts, entry, ordinal);
    }
  }

  #applyRoot(entry: TarEntry): PathParts {
    if (entry.type !== "directory") {
      throw new LayerFormatError(
        `the entry ${display(entry.name)} would replace the root directory`,
      );
    }
    this.root.attributes = entry;
    return [];
  }

  #place(parts: PathParts, entry: TarEntry, ordinal: number): PathParts {
    const parent = this.#parent(parts);
    const name = parts[parts.length - 1]!;
    const present = parent.directory.children.get(name);
    if (entry.type !== "directory") {
      const inode = new Inode(entry, { layer: this.#layer, ordinal });
      this.#link(parent.directory, name, inode, ordinal);
    } else if (present?.node instanceof Directory) {
      present.node.attributes = entry;
      present.layer = this.#layer;
      present.ordinal = ordinal;
    } else {
      this.#link(parent.directory, name, new Directory(entry), ordinal);
    }
    return [...parent.names, name];
  }

  #link(directory: Directory, name: ByteString, node: Node, ordinal: number): void {
    directory.children.set(name, { node, layer: this.#layer, ordinal });
  }

  /** The directory an entry goes into: symlinks followed, missing ones made, files replaced. */
  #parent(parts: PathParts): PathWalk {
    const walk = this.#walk(parts.slice(0, -1), (directory, name) => {
      const made = new Directory(impliedAttributes(this.#impliedMtime));
      this.#link(directory, name, made, -1);
      return made;
    });
    return walk!;
  }

  /** The directory that a path leads to, if it is there. */
  #existing(parts: PathParts): PathWalk | undefined {
    return this.#walk(parts, () => undefined);
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
    for (const name of [...directory.children.keys()]) this.#hide(directory, name, path);
  }

  #applyHardLink(entry: TarEntry, ordinal: number): undefined {
    const target = this.#targetOf(entry);
    if (target === undefined) this.#pending.push({ entry, ordinal });
    else this.#placeHardLink(entry, ordinal, target);
  }

  #placeHardLink(entry: TarEntry, ordinal: number, target: Inode): void {
    const parts = splitPath(entry.name);
    const { directory } = this.#parent(parts);
    const name = parts[parts.length - 1]!;
    if (directory.children.get(name)?.node === target) return;
    this.#link(directory, name, target, ordinal);
  }

  /** The inode that a hard link's target names; its last part is not followed. */
  #targetOf(entry: TarEntry): Inode | undefined {
    const parts = splitPath(entry.linkName);
    const directory = this.#existing(parts.slice(0, -1))?.directory;
    const node = directory && nodeAt(directory, parts.slice(-1));
    if (node instanceof Directory) {
      throw new LayerFormatError(
        `the hard link ${display(entry.name)} points to ${display(entry.linkName)}, a directory`,
      );
    }
    return node;
  }

  /**
   * Targets may stand after their links, and links may be targets: tries, from either end in
   * turn, until nothing changes.
   */
  #resolvePendingLinks(): void {
    let pending = this.#pending;
    for (let round = 0; pending.length > 0 && round < mostRounds; round += 1) {
      const left = pending.filter((link) => !this.#resolveLink(link, this.#targetOf(link.entry)));
      if (left.length === pending.length) break;
      pending = left.reverse();
    }
    for (const link of pending) {
      if (!this.#resolveLink(link, this.#hiddenTargetOf(link.entry))) {
        const { name, linkName } = link.entry;
        throw new LayerFormatError(
          `the hard link ${display(name)} points to ${display(linkName)}, which is nowhere`,
        );
      }
    }
  }

  #hiddenTargetOf(entry: TarEntry): Inode | undefined {
    return this.#hidden.get(joinPath(splitPath(entry.linkName))) ?? this.#targetOf(entry);
  }

  #resolveLink({ entry, ordinal }: PendingLink, target: Inode | undefined): boolean {
    if (target === undefined) return false;
    this.#attempt(entry, () => {
      if (!this.#isOverwritten(splitPath(entry.name), ordinal)) {
        this.#placeHardLink(entry, ordinal, target);
      }
    });
    return true;
  }

  /** True when this layer put something else under the name after the link's own place in it. */
  #isOverwritten(parts: PathParts, ordinal: number): boolean {
    const directory = this.#existing(parts.slice(0, -1))?.directory;
    const link: Link | undefined = directory?.children.get(parts[parts.length - 1]!);
    return link !== undefined && link.layer === this.#layer && link.ordinal > ordinal;
  }
}

/** Linux's PATH_MAX and NAME_MAX, which squashfs has too. */
function checkedPath(entry: TarEntry): ByteString[] {
  const parts = splitPath(entry.name);
  const isTooLong =
    Math.max(entry.name.length, entry.linkName.length) > 4096 ||
    parts.some(({ length }) => length > 255);
  if (isTooLong) {
    throw new LayerFormatError(`the path ${display(entry.name.slice(0, 100))}… is too long`);
  }
  return parts;
}
