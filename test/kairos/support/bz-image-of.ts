/**
 * A bzImage that has only a setup header, which states a version (Linux,
 * Documentation/arch/x86/boot.rst).
 */
export function bzImageOf(version: string): Buffer {
  const bytes = Buffer.alloc(4096);
  bytes.write("HdrS", 0x202, "latin1");
  bytes.writeUInt16LE(0x20f, 0x206);
  // The offset of the version's text, less 0x200.
  bytes.writeUInt16LE(0x300, 0x20e);
  bytes.writeUInt16LE(1, 0x236);
  bytes.write(`${version} (builder@host) #1 SMP\0`, 0x500, "latin1");
  return bytes;
}
