import type { CachedFile, ListedFile } from "../../sources/index.js";
import { formatAge, formatBytes } from "../../support/index.js";
import { formatColumns } from "./format-table.js";

/** A table of the cached files, and their total. */
export function formatCache(directory: string, files: readonly ListedFile[], now: Date): string[] {
  const { blobs, partial, size } = cacheTotal(files);
  if (files.length === 0) return [`The cache in ${directory} is empty`];
  const rows = files.map((file) => [
    file.digest,
    formatBytes(file.size),
    formatAge(now.getTime() - file.lastUsed.getTime()),
    [file.state === "complete" ? "" : file.state, file.isInUse ? "in use" : ""]
      .filter(Boolean)
      .join(", "),
  ]);
  const lines = formatColumns([["BLOB", "SIZE", "LAST USED", "STATE"], ...rows], [1]);
  const incomplete = partial > 0 ? `, ${partial} of them incomplete` : "";
  const count = blobs === 1 ? "1 blob" : `${blobs} blobs`;
  return [...lines, `${count}${incomplete}: ${formatBytes(size)} in ${directory}`];
}

export function cacheTotal(files: readonly CachedFile[]) {
  return {
    blobs: files.length,
    partial: files.filter(({ state }) => state !== "complete").length,
    size: files.reduce((sum, file) => sum + file.size, 0),
  };
}

export function formatCachedFile({ digest, size, state }: CachedFile): string {
  return `${digest} (${formatBytes(size)}${state === "complete" ? "" : `, ${state}`})`;
}
