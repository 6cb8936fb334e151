import { stat } from "node:fs/promises";
import { resolve } from "node:path";
import { fileEtag, fileIdentity } from "./file-identity.js";

/** The role of a file in a machine's boot. */
export type FileRole =
  | "boot-program"
  | "script"
  | "kernel"
  | "initrd"
  | "squashfs"
  | "cloud-config";

/** A file that machines fetch. */
export interface ServedFile {
  readonly role: FileRole;
  /** The name in URLs. */
  readonly name: string;
  readonly path: string;
  /** In bytes. */
  readonly size: number;
  /** Strong (RFC 9110, section 8.8.3), in its quotes. */
  readonly etag: string;
  /** See `fileIdentity`; undefined if the file is served in whatever state a request finds it. */
  readonly identity?: string | undefined;
}

/** Describes a file by its size and time; undefined if there is no such file. */
export async function readServedFile(
  path: string,
  name: string,
  role: FileRole,
): Promise<ServedFile | undefined> {
  const stats = await stat(path).catch(() => undefined);
  if (!stats?.isFile()) return undefined;
  return {
    role,
    name,
    path: resolve(path),
    size: stats.size,
    etag: fileEtag(stats),
    identity: fileIdentity(stats),
  };
}
