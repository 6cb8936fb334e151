import { type InstalledPackage, PackageDatabaseError } from "../package.js";

/** Tags (rpm, docs/manual/tags.md). */
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

const INT32 = 4;
const STRING = 6;
const I18N_STRING = 9;
/** As rpm's own bounds (lib/header.c, HEADER_TAGS_MAX). */
const mostTags = 0xffff;

/**
 * Reads a header as the database holds it: counts of tags and bytes, an index of 16 bytes a tag, the
 * data (rpm, docs/manual/format_header.md, without the magic).
 * @returns undefined for a public key, which rpm keeps as a package
 * @throws PackageDatabaseError
 */
export function parseRpmHeader(blob: Buffer): InstalledPackage | undefined {
  if (blob.length < 8) throw new PackageDatabaseError("holds a header that is cut short");
  const count = blob.readUInt32BE(0);
  const start = 8 + 16 * count;
  if (count > mostTags || start + blob.readUInt32BE(4) > blob.length) {
    throw new PackageDatabaseError("holds a damaged header");
  }
  const data = blob.subarray(start);
  const values = new Map<number, string>();
  for (let at = 8; at < start; at += 16) {
    const value = firstValue(data, blob.readUInt32BE(at + 4), blob.readUInt32BE(at + 8));
    if (value !== undefined) values.set(blob.readUInt32BE(at), value);
  }
  const name = values.get(tags.name);
  const version = values.get(tags.version);
  const release = values.get(tags.release);
  if (name === undefined || version === undefined || release === undefined) {
    throw new PackageDatabaseError("holds a header without name, version and release");
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
function firstValue(data: Buffer, type: number, offset: number): string | undefined {
  if (type === INT32) {
    return offset + 4 > data.length ? undefined : String(data.readUInt32BE(offset));
  }
  if (type !== STRING && type !== I18N_STRING) return undefined;
  const end = data.indexOf(0, offset);
  return end < 0 ? undefined : data.toString("utf8", offset, end);
}
