import type { ErrorCode } from "../../../src/support/index.js";
import type { TestLayer } from "../../support/image-layout.js";
import { type ArchivePart, defaultMtime } from "../../support/tar-builder.js";
import { contentRecord, type TreeRecord } from "../../support/tree-listing.js";

/** One row of the table: layers and the source of the expected tree. */
export interface MergeCase {
  /** A sentence about behavior. */
  readonly name: string;
  /** Above the base layer, bottom first. */
  readonly layers: readonly LayerOfCase[];
  /** False if the layers are a whole image on their own. */
  readonly hasBase?: boolean;
  /**
   * The correct records for the paths at which umoci is wrong; null if the path must not exist. All
   * other paths are compared with umoci.
   */
  readonly umociErrsAt?: Readonly<Record<string, Partial<TreeRecord> | null>>;
  /** Everything in the tree besides the base layer, if umoci cannot unpack the image. */
  readonly expected?: Readonly<Record<string, TreeRecord>>;
  /** The error message, if the image has to be refused. */
  readonly refusal?: RegExp;
  /** The code of that error; LAYER_DAMAGED by default. */
  readonly refusalCode?: ErrorCode;
  /** The warnings, if the case is about them; its layers have to be archives. */
  readonly warnings?: readonly RegExp[];
  /** Whether the program has to start the squashfs over, if the case is about that. */
  readonly startsOver?: boolean;
}

export type LayerOfCase = readonly ArchivePart[] | TestLayer;

/** Records for trees written by hand, with the defaults of the archives here. */
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

/** Short forms of archive entries. */
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

/** A file whose contents cannot be compressed. */
export function bulk(name: string, size = 40_000): ArchivePart {
  const content = Buffer.alloc(size);
  let state = 1 + name.length;
  for (let index = 0; index < size; index += 1) {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    content[index] = state >>> 24;
  }
  return { name, content };
}
