import type { ByteString } from "../../tar/index.js";
import type { PathParts } from "./path.js";
import { Directory, Inode, type Node } from "./tree-node.js";

/** As many symlinks as a look-up follows; containerd has the same bound. */
const longestChain = 255;
/** Parts that one look-up walks, those of symlinks included. */
const mostSteps = 8192;
/** Directories in one another; nothing real comes near, and recursion has to end somewhere. */
const deepest = 256;

/** A path that is not walked to its end; the message is what it does, as a clause. */
export class EndlessPathError extends Error {}

const inLoop = "leads through a loop of symlinks";

/**
 * Walks a path inside a root as chroot would: symlinks are followed, absolute ones begin at the
 * root, `..` stops there.
 */
export class PathWalk {
  /** Directories from the root to the place reached. */
  readonly stack: Directory[];
  readonly names: ByteString[] = [];
  readonly #todo: ByteString[];
  #links = 0;
  #steps = 0;

  constructor(root: Directory, parts: PathParts) {
    this.stack = [root];
    this.#todo = [...parts].reverse();
  }

  get directory(): Directory {
    return this.stack[this.stack.length - 1]!;
  }

  /** True when no part is left to walk. */
  get isDone(): boolean {
    return this.#todo.length === 0;
  }

  /** Takes the next part; undefined where it led up or nowhere (`..`, `.`). */
  next(): ByteString | undefined {
    this.#steps += 1;
    if (this.#steps > mostSteps) throw new EndlessPathError(inLoop);
    const name = this.#todo.pop()!;
    if (name === "" || name === ".") return undefined;
    if (name === "..") {
      if (this.stack.length > 1) {
        this.stack.pop();
        this.names.pop();
      }
      return undefined;
    }
    return name;
  }

  enter(name: ByteString, directory: Directory): void {
    if (this.stack.length > deepest) {
      throw new EndlessPathError(`is deeper than ${deepest} directories`);
    }
    this.stack.push(directory);
    this.names.push(name);
  }

  /** Puts a symlink's target before what is left of the path. */
  follow(target: ByteString): void {
    this.#links += 1;
    if (this.#links > longestChain) throw new EndlessPathError(inLoop);
    if (target.startsWith("/")) {
      this.stack.length = 1;
      this.names.length = 0;
    }
    this.#todo.push(...target.split("/").reverse());
  }
}

/** What a path led to. */
export interface Found {
  readonly node: Node;
  /** The path without symlinks. */
  readonly parts: PathParts;
}

/**
 * Looks a path up in a tree, following symlinks inside it.
 * @returns undefined where it leads nowhere, into a file, or into a loop
 */
export function lookUp(root: Directory, parts: PathParts): Found | undefined {
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
    if (error instanceof EndlessPathError) return undefined;
    throw error;
  }
  return { node: walk.directory, parts: walk.names };
}

/** The same without following anything: the node that stands at exactly this path. */
export function nodeAt(root: Directory, parts: PathParts): Node | undefined {
  let node: Node = root;
  for (const part of parts) {
    if (node instanceof Inode) return undefined;
    const child = node.children.get(part);
    if (child === undefined) return undefined;
    node = child.node;
  }
  return node;
}
