import { Directory, type Inode } from "./tree-node.js";

/** Bytes of contents of all files in a tree; hard-linked files count once. */
export function totalContentBytes(root: Directory): number {
  const seen = new Set<Inode>();
  const add = (directory: Directory): number => {
    let bytes = 0;
    for (const { node } of directory.children.values()) {
      if (node instanceof Directory) bytes += add(node);
      else if (!seen.has(node)) {
        seen.add(node);
        bytes += node.entry.size;
      }
    }
    return bytes;
  };
  return add(root);
}
