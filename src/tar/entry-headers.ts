import { type ByteString, display, fromBytes } from "./byte-string.js";
import { FormatError } from "./format-error.js";
import { type PaxRecords, parsePaxNumber, parsePaxRecords, parsePaxTime } from "./pax.js";
import { paxRegions, type Region } from "./sparse.js";
import type { EntryType, TarEntry } from "./tar-entry.js";
import type { TarHeader } from "./tar-header.js";

const entryTypes: Readonly<Record<string, EntryType>> = {
  "\0": "file",
  "0": "file",
  "7": "file",
  S: "file",
  "1": "hardlink",
  "2": "symlink",
  "3": "character-device",
  "4": "block-device",
  "5": "directory",
  D: "directory",
  "6": "fifo",
};

const xattrPrefix = "SCHILY.xattr.";
const meaningful = /^(?:path|linkpath|size|uid|gid|mtime|SCHILY\.xattr\..*)$/s;

/** Bytes of all extended headers of one entry together. */
const largestExtensions = 4 * 1024 * 1024;
/** Each costs time with each entry. */
const mostGlobals = 100;
/** Linux's XATTR_SIZE_MAX: nothing larger can be on a disk. */
const largestXattr = 64 * 1024;
/** Bytes of all extended attributes of an archive, which are held as long as their entries are. */
const mostXattrs = 256 * 1024 * 1024;

/**
 * The header blocks that describe one entry together: pax `x` and `g`, GNU `L` and `K`, and the
 * header itself. Later records win over earlier ones, extensions over the header.
 */
export class EntryHeaders {
  header: TarHeader | undefined;
  /** Records that hold for all entries that follow; only those that mean something here. */
  readonly #globals = new Map<ByteString, Buffer>();
  #own: PaxRecords = [];
  #ownSize = 0;
  #pax = new Map<ByteString, Buffer>();
  #longName: ByteString | undefined;
  #longLink: ByteString | undefined;
  /** Of all entries so far. */
  #xattrBytes = 0;

  /** True where nothing but global records came since the last entry. */
  get isEmpty(): boolean {
    return this.#own.length === 0 && this.#longName === undefined && this.#longLink === undefined;
  }

  /** The best name so far, for messages. */
  get name(): ByteString {
    return this.#longName ?? this.header?.name ?? "";
  }

  /**
   * Takes the contents of an extension of type x, g, L or K.
   * @throws FormatError where they are damaged or too much for one entry
   */
  extend(typeFlag: string, bytes: Buffer): void {
    this.#ownSize += bytes.length;
    if (this.#ownSize > largestExtensions) {
      throw new FormatError("its extended headers are out of all bounds");
    }
    if (typeFlag === "x") {
      for (const record of parsePaxRecords(bytes)) this.#own.push(record);
    } else if (typeFlag === "g") this.#extendGlobals(parsePaxRecords(bytes));
    else if (typeFlag === "L") this.#longName = untilNul(bytes);
    else this.#longLink = untilNul(bytes);
  }

  /** The header that the extensions belong to. */
  complete(header: TarHeader): void {
    this.header = header;
    this.#pax = new Map(this.#globals);
    for (const [keyword, value] of this.#own) this.#pax.set(keyword, value);
  }

  /** Forgets all that belongs to this entry only. */
  clear(): void {
    this.#own = [];
    this.#ownSize = 0;
    this.#longName = undefined;
    this.#longLink = undefined;
  }

  #extendGlobals(records: PaxRecords): void {
    for (const [keyword, value] of records) {
      if (meaningful.test(keyword)) this.#globals.set(keyword, value);
    }
    if (this.#globals.size > mostGlobals) {
      throw new FormatError("its global headers are out of all bounds");
    }
  }

  /** Bytes that the archive holds of the entry: only files (and GNU's dump directories) have any. */
  get storedSize(): number {
    const { typeFlag, size } = this.header!;
    if (entryTypes[typeFlag] !== "file" && typeFlag !== "D") return 0;
    return this.#number("size") ?? size;
  }

  /** True for pax sparse format 1.0, whose map stands in the contents. */
  get hasInlineSparseMap(): boolean {
    return this.#pax.get("GNU.sparse.major")?.toString() === "1";
  }

  get sparseRegions(): Region[] | undefined {
    return paxRegions(this.#own);
  }

  get sparseSize(): number | undefined {
    return this.#number("GNU.sparse.realsize") ?? this.#number("GNU.sparse.size");
  }

  /**
   * @param size bytes of content, holes included
   * @throws FormatError
   */
  entry(size: number): TarEntry {
    const header = this.header!;
    const name =
      this.#text("GNU.sparse.name") ?? this.#text("path") ?? this.#longName ?? header.name;
    const linkName = this.#text("linkpath") ?? this.#longLink ?? header.linkName;
    checkNames(name, linkName);
    const type = entryType(header.typeFlag, name);
    const xattrs = this.#xattrs();
    const entry = {
      name,
      type,
      mode: header.mode,
      uid: identifier(this.#number("uid") ?? header.uid, "uid"),
      gid: identifier(this.#number("gid") ?? header.gid, "gid"),
      size: type === "file" ? size : 0,
      mtime: this.#time() ?? header.mtime,
      linkName,
      deviceMajor: identifier(header.deviceMajor, "device"),
      deviceMinor: identifier(header.deviceMinor, "device"),
    };
    return xattrs === undefined ? entry : { ...entry, xattrs };
  }

  /** An empty value takes back what came before (POSIX.1-2001 pax). */
  #value(keyword: string): Buffer | undefined {
    const value = this.#pax.get(keyword);
    return value === undefined || value.length === 0 ? undefined : value;
  }

  #text(keyword: string): ByteString | undefined {
    const value = this.#value(keyword);
    return value === undefined ? undefined : fromBytes(value);
  }

  #number(keyword: string): number | undefined {
    const value = this.#value(keyword);
    return value === undefined ? undefined : parsePaxNumber(value, keyword);
  }

  #time(): number | undefined {
    const value = this.#value("mtime");
    return value === undefined ? undefined : parsePaxTime(value);
  }

  #xattrs(): Map<ByteString, Buffer> | undefined {
    let xattrs: Map<ByteString, Buffer> | undefined;
    for (const [keyword, value] of this.#pax) {
      if (!keyword.startsWith(xattrPrefix)) continue;
      if (value.length > largestXattr) {
        const name = display(keyword.slice(xattrPrefix.length, 100));
        throw new FormatError(`its extended attribute ${name} claims ${value.length} bytes`);
      }
      this.#xattrBytes += keyword.length + value.length;
      xattrs ??= new Map();
      xattrs.set(keyword.slice(xattrPrefix.length), value);
    }
    if (this.#xattrBytes > mostXattrs) {
      throw new FormatError("the extended attributes of all entries are out of all bounds");
    }
    return xattrs;
  }
}

/** Linux's PATH_MAX and NAME_MAX, which squashfs has too. */
function checkNames(name: ByteString, linkName: ByteString): void {
  if (name.includes("\0") || linkName.includes("\0")) {
    throw new FormatError("its name holds a NUL byte");
  }
  const isTooLong =
    Math.max(name.length, linkName.length) > 4096 ||
    (name.length > 255 && name.split("/").some(({ length }) => length > 255));
  if (isTooLong) {
    throw new FormatError(`the path ${display(name.slice(0, 100))}… is too long`);
  }
}

function entryType(typeFlag: string, name: ByteString): EntryType {
  const type = entryTypes[typeFlag];
  if (type === undefined) throw new FormatError(`its type ${typeFlag} is not known`);
  // In v7 archives a directory is a file whose name ends in a slash.
  return typeFlag === "\0" && name.endsWith("/") ? "directory" : type;
}

function identifier(value: number, field: string): number {
  if (value < 0 || value > 0xffffffff) {
    throw new FormatError(`its ${field} ${value} is out of all bounds`);
  }
  return value;
}

function untilNul(bytes: Buffer): ByteString {
  const nul = bytes.indexOf(0);
  return fromBytes(bytes, 0, nul === -1 ? bytes.length : nul);
}
