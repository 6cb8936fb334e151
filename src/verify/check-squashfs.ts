import { stat } from "node:fs/promises";
import { join } from "node:path";
import type { NetbootJson } from "../artifacts/index.js";
import { listSquashfs, readSuperblock } from "../squashfs/index.js";
import { findProgram } from "../support/index.js";
import { failed, ok, unchecked } from "./check.js";
import type { ModulesFinding } from "./check-files.js";
import { fileProblem, unreadable } from "./regular-file.js";

/** A limit for file systems that somebody else made. */
const maxVersions = 100;

/** Checks the superblock, then all inodes and directories: `unsquashfs -l` reads every one. */
export async function checkSquashfsFile(
  directory: string,
  name: string,
  netbootJson: NetbootJson | undefined,
  signal: AbortSignal,
): Promise<ModulesFinding> {
  const path = join(directory, name);
  const bad = (problem: string): ModulesFinding => ({
    check: failed("squashfs", `${name} ${problem}`),
    versions: undefined,
  });
  const unusable = await fileProblem(path);
  if (unusable !== undefined) return bad(unusable);
  try {
    const superblock = await readSuperblock(path);
    if (superblock === undefined) return bad("is not a squashfs 4.0");
    const { size } = await stat(path);
    const { bytesUsed, compressor, blockSize } = superblock;
    if (bytesUsed > size) return bad(`is truncated: it has ${size} of ${bytesUsed} bytes`);
    const stated = netbootJson?.squashfs ?? {};
    if (stated.compression !== undefined && stated.compression.split(":")[0] !== compressor) {
      return bad(
        `is compressed with ${compressor ?? "an unknown compressor"}, not with ${stated.compression}`,
      );
    }
    if (stated.blockSize !== undefined && stated.blockSize !== blockSize) {
      return bad(`has blocks of ${blockSize} bytes instead of ${stated.blockSize}`);
    }
  } catch (error) {
    return bad(unreadable(error));
  }
  const unsquashfs = await findProgram("unsquashfs");
  if (unsquashfs === undefined) {
    const what = `${name} has a valid superblock; its contents were not read, because unsquashfs is missing`;
    return { check: unchecked("squashfs", what), versions: undefined };
  }
  const versions = new Set<string>();
  const { entries, problem } = await listSquashfs(unsquashfs, path, {
    signal,
    onPath: (file) => {
      const version = /^\/(?:usr\/)?lib\/modules\/([^/]+)/.exec(file)?.[1];
      if (version !== undefined && versions.size < maxVersions) versions.add(version);
    },
  });
  if (problem !== undefined) return bad(`cannot be listed: ${problem}`);
  return { check: ok("squashfs", `${name} is complete: ${entries} entries`), versions };
}
