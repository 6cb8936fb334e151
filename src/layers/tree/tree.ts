import {
  abbreviate,
  type ByteString,
  display,
  FormatError,
  type TarEntry,
} from "../../tar/index.js";
import { joinPath, lastPart, type PathParts, splitPath } from "./path.js";
import { PathWalk, UnresolvablePathError } from "./tree-lookup.js";
import { Directory, Inode, impliedAttributes, type TreeNode } from "./tree-node.js";
import { classifyEntry } from "./whiteout.js";

/** The entries of one layer, in the order of its archive. */
export interface LayerIndex {
  readonly entries: readonly TarEntry[];
  /** Modification time of directories that the layer implies but does not name; seconds. */
  readonly impliedMtime: number;
}

/** Placeholder for the inode of a hard link that precedes its target. */
class PendingInode extends Inode {}

/** The existing target of a hard link. */
interface LinkTarget {
  readonly directory: Directory;
  readonly name: ByteString;
  readonly inode: Inode;
}

/**
 * The file system that results from applying layers one by one, bottom first, as a container
 * runtime does on disk (OCI image-spec, layer.md, "Applying Changesets"). All rules of merging
 * are in this class and in `classifyEntry`.
 */
export class Tree {
  readonly root = new Directory(impliedAttributes(0));
  readonly #linked = new Set<Inode>();
  #layer: number;
  #isCertain = true;
  #ordinal = -1;
  #impliedMtime = 0;
  /** Files that whiteouts of this layer removed, by path: its hard links may still refer to them. */
  #hidden = new Map<ByteString, Inode>();
  /** Directories that no longer contain anything from lower layers. */
  #emptied = new Set<Directory>();
  #pendingPlaces: { directory: Directory; name: ByteString }[] = [];

  /** @param bottom number of the layer that is applied first; the image may have layers below it */
  constructor(bottom = 0) {
    this.#layer = bottom - 1;
  }

  /**
   * True as long as the applied layers alone determined where each name belongs. Then everything
   * in the tree is also in the whole image, at the same path, whatever the layers below contain.
   * False once the tree made up a parent directory or did not find a target: a lower layer may
   * have either, as a directory or as a symlink.
   */
  get isCertain(): boolean {
    return this.#isCertain;
  }

  /** Inodes that have, or once had, more than one name. */
  get linked(): ReadonlySet<Inode> {
    return this.#linked;
  }

  /**
   * Applies one more layer on top.
   * @throws FormatError that names the entry; the tree is unusable afterwards
   */
  apply(layer: LayerIndex): void {
    for (const _ of this.applying(layer));
  }

  /** Like `apply`, one entry per step: each entry of a hostile layer may take a millisecond. */
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
      if (!(error instanceof UnresolvablePathError)) throw error;
      throw new FormatError(`the path ${abbreviate(entry.name)} ${error.message}`);
    }
  }

  #add(entry: TarEntry): void {
    const parts = splitPath(entry.name);
    const role = classifyEntry(parts);
    switch (role.kind) {
      case "whiteout": {
        const place = this.#existing(role.directory);
        if (place !== undefined) this.#hide(place.directory, role.name, place.names);
        break;
      }
      case "opaque": {
        const place = this.#existing(role.directory);
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
    const name = lastPart(parts);
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

  #link(directory: Directory, name: ByteString, node: TreeNode): void {
    directory.children.set(name, { node, layer: this.#layer });
    if (node instanceof PendingInode) this.#pendingPlaces.push({ directory, name });
  }

  /**
   * The directory that an entry belongs in: follows symlinks, creates missing directories, and
   * replaces files that are in the way.
   */
  #parent(parts: PathParts): PathWalk {
    const walk = new PathWalk(this.root, parts.slice(0, -1));
    for (;;) {
      const missing = walkExisting(walk);
      if (missing === undefined) return walk;
      this.#isCertain = false;
      const created = new Directory(impliedAttributes(this.#impliedMtime));
      this.#link(walk.directory, missing, created);
      walk.enter(missing, created);
    }
  }

  /** The directory that a path leads to, if it exists. */
  #existing(parts: PathParts): PathWalk | undefined {
    const walk = new PathWalk(this.root, parts);
    if (walkExisting(walk) === undefined) return walk;
    this.#isCertain = false;
    return undefined;
  }

  /** Removes what lower layers have under a name; what this layer put there stays. */
  #hide(directory: Directory, name: ByteString, path: PathParts): void {
    const child = directory.children.get(name);
    if (child === undefined) return;
    const childPath = [...path, name];
    if (child.node instanceof Inode) {
      if (child.layer === this.#layer) return;
      this.#hidden.set(joinPath(childPath), child.node);
      directory.children.delete(name);
      return;
    }
    this.#hideChildren(child.node, childPath);
    if (child.layer === this.#layer) return;
    if (child.node.children.size === 0) {
      directory.children.delete(name);
    } else {
      child.node.attributes = impliedAttributes(this.#impliedMtime);
      child.layer = this.#layer;
    }
  }

  #hideChildren(directory: Directory, path: PathParts): void {
    // While this layer is applied, nothing from a lower layer can get into the directory again.
    if (this.#emptied.has(directory)) return;
    this.#emptied.add(directory);
    for (const name of [...directory.children.keys()]) this.#hide(directory, name, path);
  }

  #applyHardLink(parts: PathParts, entry: TarEntry): void {
    const target = this.#findTarget(entry);
    const { directory } = this.#parent(parts);
    const name = lastPart(parts);
    if (target === undefined) {
      const location = { layer: this.#layer, ordinal: this.#ordinal };
      this.#link(directory, name, new PendingInode(entry, location));
    } else if (target.directory !== directory || target.name !== name) {
      this.#link(directory, name, target.inode);
      this.#linked.add(target.inode);
    }
  }

  /**
   * The current target of a hard link; a symlink in the last part is not followed.
   * @throws FormatError if the target is a directory
   */
  #findTarget(entry: TarEntry): LinkTarget | undefined {
    const parts = splitPath(entry.linkName);
    const name = parts.at(-1);
    if (name === undefined) throw linkToDirectory(entry);
    const directory = this.#existing(parts.slice(0, -1))?.directory;
    const inode = directory?.children.get(name)?.node;
    if (directory === undefined || inode === undefined) {
      this.#isCertain = false;
      return undefined;
    }
    if (inode instanceof Directory) throw linkToDirectory(entry);
    return { directory, name, inode };
  }

  /** Gives their inodes to the links whose targets came later or were hidden. */
  *#resolvePending(): Generator<void> {
    const resolved = new Map<PendingInode, Inode>();
    for (const { directory, name } of this.#pendingPlaces) {
      const child = directory.children.get(name);
      const pending = child?.node;
      if (child === undefined || !(pending instanceof PendingInode)) continue;
      const inode = this.#attempt(pending.entry, () => this.#resolve(pending, resolved));
      this.#linked.add(inode);
      child.node = inode;
      yield;
    }
  }

  /** Follows a chain of links to links to the inode at its end. */
  #resolve(pending: PendingInode, resolved: Map<PendingInode, Inode>): Inode {
    const chain = new Set<PendingInode>();
    let current: Inode = pending;
    while (current instanceof PendingInode) {
      const known = resolved.get(current);
      chain.add(current);
      current = known ?? this.#findLateTarget(current.entry, chain);
    }
    for (const link of chain) resolved.set(link, current);
    return current;
  }

  #findLateTarget(entry: TarEntry, chain: ReadonlySet<Inode>): Inode {
    const target = this.#findTarget(entry)?.inode;
    if (target !== undefined && !chain.has(target)) return target;
    const hidden = this.#hidden.get(joinPath(splitPath(entry.linkName)));
    if (hidden !== undefined) return hidden;
    throw new FormatError(
      `the hard link ${display(entry.name)} points to ${display(entry.linkName)}, which does not exist`,
    );
  }
}

/**
 * Walks through existing directories and symlinks.
 * @returns the name of the first directory that does not exist; undefined once the walk is done
 */
function walkExisting(walk: PathWalk): ByteString | undefined {
  while (!walk.isDone) {
    const name = walk.next();
    if (name === undefined) continue;
    const node = walk.directory.children.get(name)?.node;
    if (node instanceof Directory) walk.enter(name, node);
    else if (node?.entry.type === "symlink") walk.follow(node.entry.linkName);
    else return name;
  }
  return undefined;
}

function linkToDirectory({ name, linkName }: TarEntry): FormatError {
  return new FormatError(
    `the hard link ${display(name)} points to ${display(linkName)}, which is a directory`,
  );
}
