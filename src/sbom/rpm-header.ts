import { type InstalledPackage, PackageDatabaseError } from "./package.js";

/** See rpm, docs/manual/tags.md. */
const tags = {
  name: 1000,
  version: 1001,
  release: 1002,
  epoch: 1003,
  license: 1014,
  url: 1020,
  architecture: 1022,
  sourceRpm: 1044,
} as const;

/** See rpm, docs/manual/format_header.md. */
const types = { int32: 4, string: 6, i18nString: 9 } as const;
/** HEADER_TAGS_MAX in rpm, lib/header.c. */
const maxTags = 0xffff;

/**
 * Parses a package header of the database: the number of tags and of bytes, an index with 16 bytes for
 * each tag, and the contents (rpm, docs/manual/format_header.md, but without the magic number).
 * @returns undefined for a public key, which rpm stores like a package
 * @throws PackageDatabaseError
 */
export function parseRpmHeader(blob: Buffer): InstalledPackage | undefined {
  if (blob.length < 8) throw new PackageDatabaseError("has a header that is cut short");
  const count = blob.readUInt32BE(0);
  const start = 8 + 16 * count;
  if (count > maxTags || start + blob.readUInt32BE(4) > blob.length) {
    throw new PackageDatabaseError("has a damaged header");
  }
  const contents = blob.subarray(start);
  const values = new Map<number, string>();
  for (let at = 8; at < start; at += 16) {
    const value = firstValue(contents, blob.readUInt32BE(at + 4), blob.readUInt32BE(at + 8));
    if (value !== undefined) values.set(blob.readUInt32BE(at), value);
  }
  const name = values.get(tags.name);
  const version = values.get(tags.version);
  const release = values.get(tags.release);
  if (name === undefined || version === undefined || release === undefined) {
    throw new PackageDatabaseError("has a header without a name, a version or a release");
  }
  if (name === "gpg-pubkey") return undefined;
  const epoch = values.get(tags.epoch);
  const license = values.get(tags.license);
  const homepage = values.get(tags.url);
  const source = values.get(tags.sourceRpm);
  return {
    type: "rpm",
    name,
    version: `${version}-${release}`,
    architecture: values.get(tags.architecture) ?? "noarch",
    ...(epoch === undefined ? {} : { epoch }),
    ...(license === undefined ? {} : { license }),
    ...(source === undefined || source === "(none)" ? {} : { source }),
    ...(homepage === undefined ? {} : { homepage }),
  };
}

/** The first value of a tag. */
function firstValue(contents: Buffer, type: number, offset: number): string | undefined {
  if (type === types.int32) {
    return offset + 4 > contents.length ? undefined : String(contents.readUInt32BE(offset));
  }
  if (type !== types.string && type !== types.i18nString) return undefined;
  const end = contents.indexOf(0, offset);
  return end < 0 ? undefined : contents.toString("utf8", offset, end);
}
