import type { ByteString } from "../../tar/index.js";
import type { PathParts } from "./path.js";
import { Directory, Inode, type TreeNode } from "./tree-node.js";

/** Symlinks that one lookup follows; containerd has the same limit. */
const maxSymlinks = 255;
/** Parts that one lookup walks, including those of symlink targets. */
const maxSteps = 8192;
/** Linux's PATH_MAX without the NUL: no program can name what is below a longer path. */
const maxPathBytes = 4095;

/** A path that cannot be walked to its end; the message is a predicate ("leads through …"). */
export class UnresolvablePathError extends Error {}

const symlinkLoop = "leads through a loop of symlinks";

/**
 * Walks a path inside a root as chroot would: it follows symlinks, starts absolute ones at the
 * root, and stops `..` there.
 */
export class PathWalk {
  readonly #root: Directory;
  /** Directories from below the root to the current one, parallel to `names`. */
  readonly #stack: Directory[] = [];
  /** The path walked so far, without symlinks. */
  readonly names: ByteString[] = [];
  readonly #todo: ByteString[];
  /** Bytes of the path walked so far, with a slash before each name. */
  #pathBytes = 0;
  #symlinks = 0;
  #steps = 0;

  constructor(root: Directory, parts: PathParts) {
    this.#root = root;
    this.#todo = [...parts].reverse();
  }

  /** The directory that the walk has reached. */
  get directory(): Directory {
    return this.#stack.at(-1) ?? this.#root;
  }

  /** True if no part is left to walk. */
  get isDone(): boolean {
    return this.#todo.length === 0;
  }

  /** Takes the next part; undefined if that part was not a name (`..`, `.`). */
  next(): ByteString | undefined {
    this.#steps += 1;
    if (this.#steps > maxSteps) throw new UnresolvablePathError(symlinkLoop);
    const name = this.#todo.pop();
    if (name === undefined || name === "" || name === ".") return undefined;
    if (name === "..") {
      this.#stack.pop();
      const left = this.names.pop();
      if (left !== undefined) this.#pathBytes -= left.length + 1;
      return undefined;
    }
    return name;
  }

  enter(name: ByteString, directory: Directory): void {
    this.#pathBytes += name.length + 1;
    if (this.#pathBytes > maxPathBytes) {
      throw new UnresolvablePathError(`leads to a path of more than ${maxPathBytes} bytes`);
    }
    this.#stack.push(directory);
    this.names.push(name);
  }

  /** Puts a symlink's target before the rest of the path. */
  follow(target: ByteString): void {
    this.#symlinks += 1;
    if (this.#symlinks > maxSymlinks) throw new UnresolvablePathError(symlinkLoop);
    if (target.startsWith("/")) {
      this.#stack.length = 0;
      this.names.length = 0;
      this.#pathBytes = 0;
    }
    this.#todo.push(...target.split("/").reverse());
  }
}

/** The node that a path leads to. */
export interface LookupResult {
  readonly node: TreeNode;
  /** The path without symlinks. */
  readonly parts: PathParts;
}

/**
 * Looks up a path in a tree, following symlinks inside it.
 * @returns undefined if the path leads nowhere, through a file, or into a loop
 */
export function lookUp(root: Directory, parts: PathParts): LookupResult | undefined {
  const walk = new PathWalk(root, parts);
  try {
    while (!walk.isDone) {
      const name = walk.next();
      if (name === undefined) continue;
      const node = walk.directory.children.get(name)?.node;
      if (node === undefined) return undefined;
      if (node instanceof Directory) walk.enter(name, node);
      else if (node.entry.type === "symlink") walk.follow(node.entry.linkName);
      else return walk.isDone ? { node, parts: [...walk.names, name] } : undefined;
    }
  } catch (error) {
    if (error instanceof UnresolvablePathError) return undefined;
    throw error;
  }
  return { node: walk.directory, parts: walk.names };
}

/** The node at exactly this path; unlike `lookUp`, follows no symlinks. */
export function nodeAt(root: Directory, parts: PathParts): TreeNode | undefined {
  let node: TreeNode = root;
  for (const part of parts) {
    if (node instanceof Inode) return undefined;
    const child = node.children.get(part);
    if (child === undefined) return undefined;
    node = child.node;
  }
  return node;
}
