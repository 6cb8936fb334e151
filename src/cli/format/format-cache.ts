import type { CachedFile, ListedFile } from "../../sources/index.js";
import { formatBytes, formatDuration } from "../../support/index.js";

/** A table, and what it comes to. */
export function cacheLines(directory: string, files: readonly ListedFile[], now: Date): string[] {
  const { blobs, partial, size } = cacheTotal(files);
  if (files.length === 0) return [`Nothing is kept in ${directory}`];
  const rows = files.map((file) => [
    file.digest,
    formatBytes(file.size),
    ago(now.getTime() - file.lastUsed.getTime()),
    [file.state === "complete" ? "" : file.state, file.isInUse ? "in use" : ""]
      .filter(Boolean)
      .join(", "),
  ]);
  const table = [["BLOB", "SIZE", "LAST USED", "STATE"], ...rows];
  const widths = [0, 1, 2].map((column) => Math.max(...table.map((row) => row[column]!.length)));
  const lines = table.map(([digest, bytes, used, state]) =>
    [digest!.padEnd(widths[0]!), bytes!.padStart(widths[1]!), used!.padEnd(widths[2]!), state]
      .join("  ")
      .trimEnd(),
  );
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

export function fileLine({ digest, size, state }: CachedFile): string {
  return `${digest} (${formatBytes(size)}${state === "complete" ? "" : `, ${state}`})`;
}

function ago(milliseconds: number): string {
  return milliseconds < 1000 ? "now" : `${formatDuration(milliseconds)} ago`;
}
