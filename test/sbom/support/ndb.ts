const pageBytes = 4096;

/**
 * A database in the format of rpm's backend ndb (rpm, lib/backend/ndb/rpmpkg.c): a page of slots, then
 * blobs at multiples of 16 bytes. No Debian package can write it.
 */
export function ndb(headers: readonly Buffer[]): Buffer {
  const slots = Buffer.alloc(pageBytes);
  slots.write("RpmP", 0, "latin1");
  slots.writeUInt32LE(0, 4);
  slots.writeUInt32LE(1, 8);
  slots.writeUInt32LE(1, 12);
  slots.writeUInt32LE(headers.length + 1, 16);
  const blobs: Buffer[] = [];
  let offset = pageBytes;
  for (let at = 32; at < pageBytes; at += 16) slots.write("Slot", at, "latin1");
  for (const [number, header] of headers.entries()) {
    const index = number + 1;
    const head = Buffer.alloc(16);
    head.write("BlbS", 0, "latin1");
    head.writeUInt32LE(index, 4);
    head.writeUInt32LE(1, 8);
    head.writeUInt32LE(header.length, 12);
    // Behind the data: a checksum, the length again, and the magic of the end.
    const used = 16 + header.length;
    const size = Math.ceil((used + 12) / 16) * 16;
    const tail = Buffer.alloc(size - used);
    tail.writeUInt32LE(header.length, tail.length - 8);
    tail.write("BlbE", tail.length - 4, "latin1");
    blobs.push(Buffer.concat([head, header, tail]));
    const slot = 32 + 16 * number;
    slots.writeUInt32LE(index, slot + 4);
    slots.writeUInt32LE(offset / 16, slot + 8);
    slots.writeUInt32LE(size / 16, slot + 12);
    offset += size;
  }
  return Buffer.concat([slots, ...blobs]);
}
