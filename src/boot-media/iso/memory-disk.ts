import { buffer } from "node:stream/consumers";
import { pack } from "tar-stream";

/**
 * A tar archive with one file, which GRUB reads as its memory disk. It does not depend on the time or
 * the user.
 * @param name at most 100 bytes
 */
export async function memoryDisk(name: string, content: string): Promise<Buffer> {
  const archive = pack();
  archive.entry({ name, mode: 0o644, uid: 0, gid: 0, mtime: new Date(0) }, content);
  archive.finalize();
  return buffer(archive);
}
