import { elfArchitecture } from "../kernel/index.js";
import type { ByteString } from "../tar/index.js";
import type { ImageContents } from "./image-contents.js";
import type { ImageTree } from "./image-tree.js";

/** A program in an image. */
export interface ImageProgram {
  /** Absolute inside the image, with all symlinks resolved. */
  readonly path: ByteString;
  /** OCI's name. */
  readonly architecture: string;
}

/** Programs of which an image has at least one. Shells that are scripts do not tell. */
const programPaths = ["/bin/sh", "/sbin/init", "/usr/lib/systemd/systemd", "/bin/busybox"];
/** Larger files are not such programs. */
const maxProgramBytes = 64 * 1024 * 1024;

/** Finds a program that tells for which architecture an image was built. */
export async function findProgram(
  tree: ImageTree,
  contents: ImageContents,
): Promise<ImageProgram | undefined> {
  for (const path of programPaths) {
    const file = tree.file(path);
    if (file === undefined || file.inode.entry.size > maxProgramBytes) continue;
    const architecture = elfArchitecture(await contents.read(file.inode));
    if (architecture !== undefined) return { path: file.path, architecture };
  }
  return undefined;
}
