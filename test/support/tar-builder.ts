import { headerBlock, paddedTo512 } from "./tar-header-block.js";

/** A name or a value: a string is encoded as UTF-8. */
type Bytes = string | Buffer;

export type PaxRecord = readonly [keyword: string, value: Bytes];

/** One entry of an archive. It is written as given, without normalization or checks. */
export interface TarItem {
  readonly name: Bytes;
  /** "file" by default; a single character is used as the type flag. */
  readonly type?: TypeName | string;
  /** 0644 by default, 0755 for directories, 0777 for symlinks. */
  readonly mode?: number;
  readonly uid?: number;
  readonly gid?: number;
  /** Seconds since 1970, may be negative or fractional; `defaultMtime` by default. */
  readonly mtime?: number;
  readonly content?: Bytes;
  /** Target of a symlink or a hard link. */
  readonly link?: Bytes;
  readonly device?: readonly [major: number, minor: number];
  readonly xattrs?: Readonly<Record<string, Bytes>>;
  /** How to write what does not fit into a plain header; "pax" by default. */
  readonly dialect?: Dialect;
  /** Additional records for this entry, before those that the dialect needs. */
  readonly pax?: readonly PaxRecord[];
  /** The size in the header, if it is not the length of the contents. */
  readonly size?: number;
}

/** pax and gnu extend the header, ustar splits long names at a slash, v7 has no magic and no types. */
type Dialect = "pax" | "gnu" | "ustar" | "v7";

/** A pax global header. */
interface GlobalHeader {
  readonly global: readonly PaxRecord[];
}

/** Blocks from elsewhere. */
export interface RawBlocks {
  readonly raw: Buffer;
}

export type ArchivePart = TarItem | GlobalHeader | RawBlocks;

const typeFlags = {
  file: "0",
  hardlink: "1",
  symlink: "2",
  "character-device": "3",
  "block-device": "4",
  directory: "5",
  fifo: "6",
} as const;
type TypeName = keyof typeof typeFlags;

/** 2020-09-13T12:26:40Z. */
export const defaultMtime = 1_600_000_000;

/** A complete archive: the parts and two blocks of zeros. */
export function tar(parts: readonly ArchivePart[]): Buffer {
  return Buffer.concat([...parts.map(blocksOf), Buffer.alloc(1024)]);
}

/** The blocks of one part: headers and contents. */
export function blocksOf(part: ArchivePart): Buffer {
  if ("raw" in part) return part.raw;
  if ("global" in part) return extension("g", "pax_global_header", paxRecords(part.global));
  const dialect = part.dialect ?? "pax";
  const content = toBuffer(part.content ?? "");
  const extensions = dialect === "gnu" ? gnuExtensions(part) : [];
  const records = [...(part.pax ?? []), ...xattrRecords(part)];
  if (dialect === "pax") records.push(...neededRecords(part));
  if (records.length > 0) extensions.unshift(extension("x", "PaxHeaders/x", paxRecords(records)));
  const header = headerBlock({
    name: toBuffer(part.name),
    typeFlag: typeFlagOf(part),
    mode: part.mode ?? defaultMode(part.type),
    uid: part.uid ?? 0,
    gid: part.gid ?? 0,
    size: part.size ?? content.length,
    mtime: Math.floor(part.mtime ?? defaultMtime),
    link: toBuffer(part.link ?? ""),
    device: part.device ?? [0, 0],
    dialect,
  });
  return Buffer.concat([...extensions, header, paddedTo512(content)]);
}

function toBuffer(bytes: Bytes): Buffer {
  return typeof bytes === "string" ? Buffer.from(bytes) : bytes;
}

/** `LENGTH KEYWORD=VALUE\n`; the length includes its own digits (POSIX.1-2001, pax). */
export function paxRecords(records: readonly PaxRecord[]): Buffer {
  return Buffer.concat(
    records.map(([keyword, value]) => {
      const rest = Buffer.concat([Buffer.from(` ${keyword}=`), toBuffer(value), Buffer.from("\n")]);
      let digits = 1;
      while (String(rest.length + digits).length !== digits) digits += 1;
      return Buffer.concat([Buffer.from(String(rest.length + digits)), rest]);
    }),
  );
}

/** An extension header with its contents: pax x and g, GNU L and K. */
export function extension(typeFlag: string, name: string, content: Buffer): Buffer {
  const header = headerBlock({
    name: Buffer.from(name),
    typeFlag,
    mode: 0o644,
    uid: 0,
    gid: 0,
    size: content.length,
    mtime: 0,
    link: Buffer.alloc(0),
    device: [0, 0],
    dialect: typeFlag === "L" || typeFlag === "K" ? "gnu" : "pax",
  });
  return Buffer.concat([header, paddedTo512(content)]);
}

function typeFlagOf({ type = "file", dialect }: TarItem): string {
  const flag = Object.hasOwn(typeFlags, type) ? typeFlags[type as TypeName] : type;
  return dialect === "v7" && (flag === "0" || flag === "5") ? "\0" : flag;
}

function defaultMode(type: string | undefined): number {
  return type === "directory" ? 0o755 : type === "symlink" ? 0o777 : 0o644;
}

function gnuExtensions({ name, link }: TarItem): Buffer[] {
  const parts: Buffer[] = [];
  for (const [flag, bytes] of [
    ["K", toBuffer(link ?? "")],
    ["L", toBuffer(name)],
  ] as const) {
    if (bytes.length > 100) {
      parts.push(extension(flag, "././@LongLink", Buffer.concat([bytes, Buffer.alloc(1)])));
    }
  }
  return parts;
}

function xattrRecords({ xattrs = {} }: TarItem): PaxRecord[] {
  return Object.entries(xattrs).map(([name, value]) => [`SCHILY.xattr.${name}`, value]);
}

function neededRecords({ name, link, uid = 0, gid = 0, mtime = 0 }: TarItem): PaxRecord[] {
  const records: PaxRecord[] = [];
  if (toBuffer(name).length > 100) records.push(["path", name]);
  if (link !== undefined && toBuffer(link).length > 100) records.push(["linkpath", link]);
  if (uid > 0o7777777) records.push(["uid", String(uid)]);
  if (gid > 0o7777777) records.push(["gid", String(gid)]);
  if (mtime < 0 || !Number.isInteger(mtime)) records.push(["mtime", String(mtime)]);
  return records;
}
