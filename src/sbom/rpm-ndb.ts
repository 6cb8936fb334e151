import { PackageDatabaseError } from "./package.js";

/** See rpm, lib/backend/ndb/rpmpkg.c. */
const pageBytes = 4096;
const slotBytes = 16;
const blockBytes = 16;
const blobHeaderBytes = 16;

/** Reads the package headers in `Packages.db`, which has rpm's own format ndb. openSUSE uses it. */
export function* ndbHeaders(file: Buffer): Generator<Buffer> {
  if (file.length < pageBytes || file.toString("latin1", 0, 4) !== "RpmP") {
    throw new PackageDatabaseError("is not an ndb database");
  }
  if (file.readUInt32LE(4) !== 0)
    throw new PackageDatabaseError("is an ndb database of an unknown version");
  const slots = file.readUInt32LE(12) * pageBytes;
  if (slots > file.length) throw new PackageDatabaseError("is cut short");
  // The database's own header takes the space of two slots.
  for (let at = 2 * slotBytes; at + slotBytes <= slots; at += slotBytes) {
    if (file.toString("latin1", at, at + 4) !== "Slot") {
      throw new PackageDatabaseError("has a damaged slot");
    }
    const index = file.readUInt32LE(at + 4);
    const offset = file.readUInt32LE(at + 8) * blockBytes;
    if (index === 0 || offset === 0) continue;
    if (
      offset + blobHeaderBytes > file.length ||
      file.toString("latin1", offset, offset + 4) !== "BlbS"
    ) {
      throw new PackageDatabaseError("has a damaged blob");
    }
    const size = file.readUInt32LE(offset + 12);
    const start = offset + blobHeaderBytes;
    if (file.readUInt32LE(offset + 4) !== index || start + size > file.length) {
      throw new PackageDatabaseError("has a damaged blob");
    }
    yield file.subarray(start, start + size);
  }
}
