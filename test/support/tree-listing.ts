import { createHash } from "node:crypto";
import { type BigIntStats, lstatSync, readdirSync, readFileSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import { attributesBelow } from "./extended-attributes.js";

/** Everything about one path that two unpacked trees can be compared by. */
export interface TreeRecord {
  readonly type: string;
  /** Octal. */
  readonly mode: string;
  /** uid:gid */
  readonly owner: string;
  /** Whole seconds, rounded down. */
  readonly mtime: number;
  /** Of files: bytes. */
  readonly size?: number;
  readonly sha256?: string;
  /** Of symlinks, as latin1. */
  readonly target?: string;
  /** major:minor */
  readonly device?: string;
  /** All names of the inode if it has several, as latin1. */
  readonly names?: readonly string[];
  /** Hexadecimal. */
  readonly xattrs?: Readonly<Record<string, string>>;
}

/** Records by path; paths are bytes as latin1, the root is ".". */
export type TreeListing = Readonly<Record<string, TreeRecord>>;

const types: Readonly<Record<number, string>> = {
  1: "fifo",
  2: "character-device",
  4: "directory",
  6: "block-device",
  8: "file",
  10: "symlink",
  12: "socket",
};

/** Lists a directory and everything below. */
export function listTree(root: string): TreeListing {
  return listing(root, attributesBelow(root));
}

/** Lists the directories of these names; one process reads the attributes of all of them. */
export function listTrees(
  parent: string,
  names: readonly string[],
): ReadonlyMap<string, TreeListing> {
  const xattrs = new Map<string, Map<string, Attributes>>(names.map((name) => [name, new Map()]));
  for (const [path, own] of attributesBelow(parent)) {
    const [name = "", ...rest] = path.split("/");
    xattrs.get(name)?.set(rest.join("/") || ".", own);
  }
  return new Map(names.map((name) => [name, listing(join(parent, name), xattrs.get(name)!)]));
}

type Attributes = Readonly<Record<string, string>>;

function listing(root: string, xattrs: ReadonlyMap<string, Attributes>): TreeListing {
  const stats = new Map<string, BigIntStats>();
  collect(root, Buffer.from("."), stats);
  const namesByInode = new Map<bigint, string[]>();
  for (const [path, { ino }] of stats) {
    namesByInode.set(ino, [...(namesByInode.get(ino) ?? []), path].sort());
  }
  const tree: Record<string, TreeRecord> = {};
  for (const path of [...stats.keys()].sort()) {
    const stat = stats.get(path)!;
    const names = namesByInode.get(stat.ino)!;
    const own = xattrs.get(path);
    tree[path] = {
      ...recordOf(root, path, stat),
      ...(names.length > 1 ? { names } : {}),
      ...(own === undefined ? {} : { xattrs: own }),
    };
  }
  return tree;
}

function collect(root: string, path: Buffer, stats: Map<string, BigIntStats>): void {
  const place = Buffer.concat([Buffer.from(`${root}/`), path]);
  const stat = lstatSync(place, { bigint: true });
  stats.set(path.toString("latin1"), stat);
  if (!stat.isDirectory()) return;
  for (const name of readdirSync(place, { encoding: "buffer" })) {
    const isRoot = path.equals(Buffer.from("."));
    collect(root, isRoot ? name : Buffer.concat([path, Buffer.from("/"), name]), stats);
  }
}

function recordOf(root: string, path: string, stat: BigIntStats): TreeRecord {
  const place = Buffer.concat([Buffer.from(`${root}/`), Buffer.from(path, "latin1")]);
  const type = types[Number(stat.mode >> 12n)]!;
  const common = {
    type,
    mode: (stat.mode & 0o7777n).toString(8).padStart(4, "0"),
    owner: `${stat.uid}:${stat.gid}`,
    mtime: Number(floorDivide(stat.mtimeNs, 1_000_000_000n)),
  };
  switch (type) {
    case "file":
      return { ...common, ...contentRecord(readFileSync(place)) };
    case "symlink":
      return {
        ...common,
        target: readlinkSync(place, { encoding: "buffer" }).toString("latin1"),
      };
    case "character-device":
    case "block-device":
      return { ...common, device: deviceNumber(stat.rdev) };
    default:
      return common;
  }
}

export function contentRecord(content: Buffer): { size: number; sha256: string } {
  return { size: content.length, sha256: createHash("sha256").update(content).digest("hex") };
}

/** Decodes a device number like glibc's gnu_dev_major and gnu_dev_minor. */
function deviceNumber(rdev: bigint): string {
  const major = ((rdev >> 8n) & 0xfffn) | ((rdev >> 32n) & ~0xfffn);
  const minor = (rdev & 0xffn) | ((rdev >> 12n) & ~0xffn & 0xffffffffn);
  return `${major}:${minor}`;
}

function floorDivide(value: bigint, by: bigint): bigint {
  const quotient = value / by;
  return value % by < 0n ? quotient - 1n : quotient;
}
