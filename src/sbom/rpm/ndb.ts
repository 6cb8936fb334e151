import { PackageDatabaseError } from "../package.js";

/** Sizes of a page, a slot, and a block (rpm, lib/backend/ndb/rpmpkg.c). */
const page = 4096;
const slot = 16;
const block = 16;
const blobHead = 16;

/** The headers in `Packages.db`, as rpm's own database format ndb keeps them: openSUSE has it. */
export function* ndbHeaders(file: Buffer): Generator<Buffer> {
  if (file.length < page || file.toString("latin1", 0, 4) !== "RpmP") {
    throw new PackageDatabaseError("is no ndb database");
  }
  if (file.readUInt32LE(4) !== 0) throw new PackageDatabaseError("is an ndb of an unknown version");
  const slots = file.readUInt32LE(12) * page;
  if (slots > file.length) throw new PackageDatabaseError("is cut short");
  // Two slots' room at the beginning is the database's own head.
  for (let at = 2 * slot; at + slot <= slots; at += slot) {
    if (file.toString("latin1", at, at + 4) !== "Slot") {
      throw new PackageDatabaseError("holds a damaged slot");
    }
    const index = file.readUInt32LE(at + 4);
    const offset = file.readUInt32LE(at + 8) * block;
    if (index === 0 || offset === 0) continue;
    if (offset + blobHead > file.length || file.toString("latin1", offset, offset + 4) !== "BlbS") {
      throw new PackageDatabaseError("holds a damaged blob");
    }
    const size = file.readUInt32LE(offset + 12);
    const start = offset + blobHead;
    if (file.readUInt32LE(offset + 4) !== index || start + size > file.length) {
      throw new PackageDatabaseError("holds a damaged blob");
    }
    yield file.subarray(start, start + size);
  }
}
