import type { FileHandle } from "node:fs/promises";
import { blockSize, isZero, padded } from "./block.js";
import { display } from "./byte-string.js";
import { EntryHeaders } from "./entry-headers.js";
import { FormatError } from "./format-error.js";
import type { TarEntry } from "./tar-entry.js";
import { parseHeader } from "./tar-header.js";
import { largestExtension } from "./tar-reader.js";

/** Bytes that are read at once. */
const windowSize = 16 * 1024;

/** An entry of an archive that lies in a file. */
export interface IndexedMember {
  readonly entry: TarEntry;
  /** Where its contents begin in the file, in bytes. */
  readonly offset: number;
}

/**
 * The entries of a plain tar that is a file, in its order: only headers are read, contents are
 * passed over.
 * @throws FormatError where it is no tar, is cut short, or holds a sparse file
 */
export async function* indexTar(file: FileHandle): AsyncGenerator<IndexedMember, void, void> {
  const { size: end } = await file.stat();
  const headers = new EntryHeaders();
  let position = 0;
  // Headers of small members stand close together.
  let window = Buffer.alloc(0);
  let windowStart = 0;
  const read = async (length: number): Promise<Buffer> => {
    if (position + length > windowStart + window.length) {
      const wanted = Math.max(length, windowSize);
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
    // What follows the first zero block is fill.
    if (isZero(block)) return;
    const header = parseHeader(block);
    if ("xgLK".includes(header.typeFlag)) {
      const { typeFlag, size } = header;
      if (size < 0 || size > largestExtension) {
        throw new FormatError(`an extended header claims ${size} bytes`);
      }
      headers.extend(typeFlag, await read(size));
      continue;
    }
    headers.complete(header);
    const size = headers.storedSize;
    const entry = headers.entry(size);
    if (header.typeFlag === "S" || headers.hasInlineSparseMap || headers.sparseRegions) {
      throw new FormatError("it holds a sparse file");
    }
    headers.clear();
    if (size < 0 || position + size > end) {
      throw new FormatError(`it is cut short: ${display(entry.name)} is not there to its end`);
    }
    yield { entry, offset: position };
    position += padded(size);
  }
  // Go's writers end an archive as POSIX has it; one that just stops may have lost members.
  throw new FormatError("it is cut short: its end is missing");
}

/** True where these bytes, at least a block, begin as an archive does, an empty one included. */
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
