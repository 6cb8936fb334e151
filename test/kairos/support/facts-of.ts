import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { ImageTree, type KairosFacts, readKairosFacts } from "../../../src/kairos/index.js";
import { Directory, Inode } from "../../../src/layers/index.js";
import { temporaryDirectory } from "../../extract/support/temporary-directory.js";

/** Files by path: the contents, the target of a symlink (`-> TARGET`), or null for a directory. */
export type Files = Readonly<Record<string, string | Buffer | null>>;

export interface Wanted {
  readonly kernel?: string;
  readonly initrd?: string;
}

/** The facts that the program finds in an image with these files. */
export async function factsOf(files: Files, wanted: Wanted = {}): Promise<KairosFacts> {
  const contents = new Map<Inode, Buffer>();
  const root = emptyDirectory();
  for (const [path, content] of Object.entries(files)) {
    const parts = path.split("/").filter((part) => part !== "");
    const name = parts.pop()!;
    let parent = root;
    for (const part of parts) {
      const present = parent.children.get(part)?.node;
      const next = present instanceof Directory ? present : emptyDirectory();
      parent.children.set(part, { node: next, layer: 0 });
      parent = next;
    }
    const node = content === null ? emptyDirectory() : inode(content, contents);
    parent.children.set(name, { node, layer: 0 });
  }
  const directory = await temporaryDirectory();
  const image = {
    read: async (inode: Inode) => contents.get(inode)!,
    pathOf: async (inode: Inode) => {
      const path = join(directory, String(inode.ordinal));
      await writeFile(path, contents.get(inode)!);
      return path;
    },
  };
  return readKairosFacts(new ImageTree(root), image, wanted);
}

function emptyDirectory(): Directory {
  return new Directory({ mode: 0o755, uid: 0, gid: 0, mtime: 0 });
}

function inode(content: string | Buffer, contents: Map<Inode, Buffer>): Inode {
  const link = /^-> (.*)$/.exec(content.toString("latin1"))?.[1];
  const bytes = link === undefined ? Buffer.from(content) : Buffer.alloc(0);
  const attributes = { mode: 0o644, uid: 0, gid: 0, mtime: 0, deviceMajor: 0, deviceMinor: 0 };
  const made = new Inode(
    {
      ...attributes,
      name: "",
      type: link === undefined ? "file" : "symlink",
      size: bytes.length,
      linkName: link ?? "",
    },
    { layer: 0, ordinal: contents.size },
  );
  contents.set(made, bytes);
  return made;
}
