/** Contents of files by path. */
export type InitrdFiles = Readonly<Record<string, string>>;

/** A cpio archive of these files (Linux, Documentation/driver-api/early-userspace/buffer-format.rst). */
export function newcArchive(files: InitrdFiles): Buffer {
  const entries = Object.entries(files).map(([name, content], index) =>
    newcEntry(name, content, index + 1),
  );
  return Buffer.concat([...entries, newcEntry("TRAILER!!!", "", 0)]);
}

function newcEntry(name: string, content: string, inode: number): Buffer {
  const mode = 0o100644;
  const size = Buffer.byteLength(content);
  const fields = [inode, mode, 0, 0, 1, 0, size, 0, 0, 0, 0, Buffer.byteLength(name) + 1, 0];
  const header = fields.map((field) => field.toString(16).padStart(8, "0")).join("");
  return Buffer.concat([padded(`070701${header}${name}\0`), padded(content)]);
}

/** Zeros up to the next multiple of four bytes. */
function padded(text: string): Buffer {
  const bytes = Buffer.from(text);
  return Buffer.concat([bytes, Buffer.alloc((4 - (bytes.length % 4)) % 4)]);
}
