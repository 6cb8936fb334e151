import type { FileHandle } from "node:fs/promises";
import { blockSize, isZero, padded } from "./block.js";
import { display } from "./byte-string.js";
import { EntryHeaders } from "./entry-headers.js";
import { FormatError } from "./format-error.js";
import type { TarEntry } from "./tar-entry.js";
import { parseHeader } from "./tar-header.js";
import { maxExtensionBytes } from "./tar-reader.js";

/** Bytes per read: the headers of small members are close together. */
const windowBytes = 16 * 1024;

/** An entry of an archive in a file. */
export interface IndexedMember {
  readonly entry: TarEntry;
  /** Where its contents start in the file, in bytes. */
  readonly offset: number;
}

/**
 * The entries of an uncompressed tar, in order. Reads only the headers and skips the contents.
 * @throws FormatError if the file is not a tar, is truncated, or contains a sparse file
 */
export async function* indexTar(file: FileHandle): AsyncGenerator<IndexedMember, void, void> {
  const { size: end } = await file.stat();
  const headers = new EntryHeaders();
  let position = 0;
  let window = Buffer.alloc(0);
  let windowStart = 0;
  const read = async (length: number): Promise<Buffer> => {
    if (position + length > windowStart + window.length) {
      const wanted = Math.max(length, windowBytes);
      const { buffer, bytesRead } = await file.read(Buffer.alloc(wanted), 0, wanted, position);
      if (bytesRead < length) throw new FormatError("it ends in the middle of a header");
      window = buffer.subarray(0, bytesRead);
      windowStart = position;
    }
    const start = position - windowStart;
    position += padded(length);
    return window.subarray(start, start + length);
  };
  while (position < end) {
    const block = await read(blockSize);
    // Everything after the first zero block is padding.
    if (isZero(block)) return;
    const header = parseHeader(block);
    if ("xgLK".includes(header.typeFlag)) {
      const { typeFlag, size } = header;
      if (size < 0 || size > maxExtensionBytes) {
        throw new FormatError(`an extended header claims to have ${size} bytes`);
      }
      headers.extend(typeFlag, await read(size));
      continue;
    }
    headers.complete(header);
    const size = headers.storedSize;
    const entry = headers.entry(size);
    if (header.typeFlag === "S" || headers.hasInlineSparseMap || headers.sparseRegions) {
      throw new FormatError("it contains a sparse file");
    }
    headers.clear();
    if (size < 0 || position + size > end) {
      throw new FormatError(
        `it is cut short: the contents of ${display(entry.name)} are incomplete`,
      );
    }
    yield { entry, offset: position };
    position += padded(size);
  }
  // Go's writers end an archive as POSIX requires, so one that just stops may have lost members.
  throw new FormatError("it is cut short: the end of the archive is missing");
}

/** True if the bytes start like an archive, which may be empty; false for less than a block. */
export function isTar(head: Buffer): boolean {
  if (head.length < blockSize) return false;
  const block = head.subarray(0, blockSize);
  try {
    if (!isZero(block)) parseHeader(block);
    return true;
  } catch {
    return false;
  }
}
