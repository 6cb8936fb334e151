import { abbreviate, type ByteString, display, fromBytes } from "./byte-string.js";
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

/** Before the first entry. */
const noHeader: TarHeader = {
  name: "",
  mode: 0,
  uid: 0,
  gid: 0,
  size: 0,
  mtime: 0,
  typeFlag: "0",
  linkName: "",
  deviceMajor: 0,
  deviceMinor: 0,
};

const xattrPrefix = "SCHILY.xattr.";
/** The keywords that this reader uses. */
const knownKeyword = /^(?:path|linkpath|size|uid|gid|mtime|SCHILY\.xattr\..*)$/s;

/** All extended headers of one entry together. */
const maxEntryExtensionBytes = 4 * 1024 * 1024;
/** Each global record costs time for each entry. */
const maxGlobalRecords = 100;
/** Linux's XATTR_SIZE_MAX: no file system can hold a larger value. */
const maxXattrBytes = 64 * 1024;
/** All extended attributes of an archive: they stay in memory as long as their entries. */
const maxTotalXattrBytes = 256 * 1024 * 1024;

/**
 * The header blocks that together describe one entry: pax `x` and `g`, GNU `L` and `K`, and the
 * header itself. Later records override earlier ones, and extensions override the header.
 */
export class EntryHeaders {
  /** The header of the current entry. */
  header: TarHeader = noHeader;
  /** Records that apply to all following entries; only those with known keywords. */
  readonly #globals = new Map<ByteString, Buffer>();
  #own: PaxRecords = [];
  #ownSize = 0;
  #pax = new Map<ByteString, Buffer>();
  #longName: ByteString | undefined;
  #longLink: ByteString | undefined;
  /** Size of the extended attributes of all entries so far. */
  #xattrBytes = 0;

  /** True if nothing but global records followed the last entry. */
  get isEmpty(): boolean {
    return this.#own.length === 0 && this.#longName === undefined && this.#longLink === undefined;
  }

  /** The best name known so far, for messages. */
  get name(): ByteString {
    return this.#longName ?? this.header.name;
  }

  /**
   * Adds the contents of an extension of type x, g, L or K.
   * @throws FormatError if they are damaged, or too large for one entry
   */
  extend(typeFlag: string, bytes: Buffer): void {
    this.#ownSize += bytes.length;
    if (this.#ownSize > maxEntryExtensionBytes) {
      throw new FormatError("its extended headers are too large");
    }
    if (typeFlag === "x") {
      for (const record of parsePaxRecords(bytes)) this.#own.push(record);
    } else if (typeFlag === "g") this.#extendGlobals(parsePaxRecords(bytes));
    else if (typeFlag === "L") this.#longName = untilNul(bytes);
    else this.#longLink = untilNul(bytes);
  }

  /** Adds the header that the extensions belong to. */
  complete(header: TarHeader): void {
    this.header = header;
    this.#pax = new Map(this.#globals);
    for (const [keyword, value] of this.#own) this.#pax.set(keyword, value);
  }

  /** Drops everything that belongs to this entry only. */
  clear(): void {
    this.#own = [];
    this.#ownSize = 0;
    this.#longName = undefined;
    this.#longLink = undefined;
  }

  #extendGlobals(records: PaxRecords): void {
    for (const [keyword, value] of records) {
      if (knownKeyword.test(keyword)) this.#globals.set(keyword, value);
    }
    if (this.#globals.size > maxGlobalRecords) {
      throw new FormatError("its global headers have too many records");
    }
  }

  /** Bytes of contents in the archive: only files and GNU's dump directories have any. */
  get storedSize(): number {
    const { typeFlag, size } = this.header;
    if (entryTypes[typeFlag] !== "file" && typeFlag !== "D") return 0;
    return this.#number("size") ?? size;
  }

  /** True for pax sparse format 1.0, whose map precedes the contents. */
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
   * @param size bytes of contents, including holes
   * @throws FormatError
   */
  entry(size: number): TarEntry {
    const { header } = this;
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

  /** An empty value cancels the earlier ones (POSIX.1-2001 pax). */
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
      if (value.length > maxXattrBytes) {
        const name = display(keyword.slice(xattrPrefix.length, 100));
        throw new FormatError(
          `its extended attribute ${name} has ${value.length} bytes, which is more than Linux allows`,
        );
      }
      this.#xattrBytes += keyword.length + value.length;
      xattrs ??= new Map();
      xattrs.set(keyword.slice(xattrPrefix.length), value);
    }
    if (this.#xattrBytes > maxTotalXattrBytes) {
      throw new FormatError("the extended attributes of all its entries are too large");
    }
    return xattrs;
  }
}

/** Enforces Linux's PATH_MAX and NAME_MAX; squashfs has the same limits. */
function checkNames(name: ByteString, linkName: ByteString): void {
  if (name.includes("\0") || linkName.includes("\0")) {
    throw new FormatError("its name contains a NUL byte");
  }
  const isTooLong =
    Math.max(name.length, linkName.length) > 4096 ||
    (name.length > 255 && name.split("/").some(({ length }) => length > 255));
  if (isTooLong) {
    throw new FormatError(`the path ${abbreviate(name)} is too long`);
  }
}

function entryType(typeFlag: string, name: ByteString): EntryType {
  const type = entryTypes[typeFlag];
  if (type === undefined) throw new FormatError(`its type ${typeFlag} is unknown`);
  // In v7 archives, a directory is a file whose name ends with a slash.
  return typeFlag === "\0" && name.endsWith("/") ? "directory" : type;
}

function identifier(value: number, field: string): number {
  if (value < 0 || value > 0xffffffff) {
    throw new FormatError(`its ${field} ${value} is out of range`);
  }
  return value;
}

function untilNul(bytes: Buffer): ByteString {
  const nul = bytes.indexOf(0);
  return fromBytes(bytes, 0, nul === -1 ? bytes.length : nul);
}
