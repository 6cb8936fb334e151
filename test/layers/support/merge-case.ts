import type { TestLayer } from "../../support/image-layout.js";
import { type ArchivePart, defaultMtime } from "../../support/tar-builder.js";
import { contentRecord, type TreeRecord } from "../../support/tree-listing.js";

/** One row of the table: layers, and who says what becomes of them. */
export interface MergeCase {
  /** A sentence on behaviour. */
  readonly name: string;
  /** Above the base layer, bottom first. */
  readonly layers: readonly LayerOfCase[];
  /** False where the case brings a whole image of its own. */
  readonly hasBase?: boolean;
  /**
   * Paths at which umoci is wrong, and what is right there; null where nothing is to be. All
   * other paths are compared with umoci.
   */
  readonly umociErrsAt?: Readonly<Record<string, Partial<TreeRecord> | null>>;
  /** All that is to be there besides the base layer, where umoci cannot unpack the image. */
  readonly expected?: Readonly<Record<string, TreeRecord>>;
  /** What the error says, where the image is to be refused as damaged. */
  readonly refusal?: RegExp;
  /** Whether the squashfs has to be started over, where that is what the case is about. */
  readonly startsOver?: boolean;
}

export type LayerOfCase = readonly ArchivePart[] | TestLayer;

/** Records for trees written by hand, with what the archives here have by default. */
export function file(content: string | Buffer, fields: Partial<TreeRecord> = {}): TreeRecord {
  return {
    type: "file",
    mode: "0644",
    owner: "0:0",
    mtime: defaultMtime,
    ...contentRecord(Buffer.from(content as string)),
    ...fields,
  };
}

export function directory(fields: Partial<TreeRecord> = {}): TreeRecord {
  return { type: "directory", mode: "0755", owner: "0:0", mtime: defaultMtime, ...fields };
}

export function symlink(target: string, fields: Partial<TreeRecord> = {}): TreeRecord {
  return { type: "symlink", mode: "0777", owner: "0:0", mtime: defaultMtime, target, ...fields };
}

/** Archive entries in short. */
export const entry = {
  file: (name: string, content = `contents of ${name}`): ArchivePart => ({ name, content }),
  directory: (name: string): ArchivePart => ({ name, type: "directory" }),
  symlink: (name: string, link: string): ArchivePart => ({ name, type: "symlink", link }),
  hardlink: (name: string, link: string): ArchivePart => ({ name, type: "hardlink", link }),
  whiteout: (name: string): ArchivePart => {
    const slash = name.lastIndexOf("/") + 1;
    return { name: `${name.slice(0, slash)}.wh.${name.slice(slash)}` };
  },
  opaque: (directory: string): ArchivePart => ({ name: `${directory}/.wh..wh..opq` }),
};

/** A file whose contents do not compress. */
export function bulk(name: string, size = 40_000): ArchivePart {
  const content = Buffer.alloc(size);
  let state = 1 + name.length;
  for (let index = 0; index < size; index += 1) {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    content[index] = state >>> 24;
  }
  return { name, content };
}
