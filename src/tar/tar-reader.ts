import { blockSize, isZero, padded } from "./block.js";
import type { ByteString } from "./byte-string.js";
import { EntryContents } from "./entry-contents.js";
import { EntryHeaders } from "./entry-headers.js";
import { FormatError } from "./format-error.js";
import { addGnuRegions, checkedRegions, InlineMap, type Region } from "./sparse.js";
import type { TarEvent } from "./tar-entry.js";
import { parseHeader, parseNumber } from "./tar-header.js";

/** Limit for a long name, a link target or an extended header; Go's reader has the same. */
export const maxExtensionBytes = 1024 * 1024;
/** Limit for all files together: more is a forgery or a mistake. */
const maxArchiveBytes = 1024 ** 4;

const noBytes = Buffer.alloc(0);

/** The kind of bytes that come next. The trailer is whatever follows the end of the archive. */
type State = "header" | "extension" | "gnu-sparse" | "sparse-map" | "content" | "skip" | "trailer";

/**
 * Reads a tar that arrives in chunks of any size, without changing a byte of any name or value.
 * Supports v7, ustar, GNU (L, K, sparse) and pax (x, g, sparse 0.0, 0.1, 1.0).
 *
 * @example for (const event of reader.push(chunk)) …; reader.finish();
 */
export class TarReader {
  #state: State = "header";
  /** Bytes still to be collected or skipped. */
  #missing = blockSize;
  #collected: Buffer[] = [];
  readonly #headers = new EntryHeaders();
  #extension = { typeFlag: "", size: 0 };
  #contents = new EntryContents(0, 0, undefined);
  #padding = 0;
  #regions: Region[] | undefined;
  #realSize: number | undefined;
  #sparseMap = new InlineMap();
  #zeroBlocks = 0;
  #hasTrailingData = false;
  /** Bytes that all files so far claim to have. */
  #claimed = 0;

  /** Name of the last entry, for messages. */
  get lastName(): ByteString {
    return this.#headers.name;
  }

  /** True if anything but zeros follows the two blocks of zeros that end the archive. */
  get hasTrailingData(): boolean {
    return this.#hasTrailingData;
  }

  /**
   * The events of the next chunk. The caller has to run the generator to its end before it pushes
   * another chunk. Only `content` events share the chunk's memory.
   * @throws FormatError
   */
  *push(chunk: Buffer): Generator<TarEvent, void, void> {
    let rest = chunk;
    while (rest.length > 0) {
      if (this.#state === "content") {
        rest = yield* this.#contents.push(rest);
        if (this.#contents.isDone) yield* this.#endEntry(this.#padding);
      } else if (this.#state === "skip") {
        rest = this.#skip(rest);
      } else if (this.#state === "trailer") {
        this.#hasTrailingData ||= !isZero(rest);
        return;
      } else {
        const taken = rest.subarray(0, this.#missing);
        rest = rest.subarray(taken.length);
        const block = this.#take(taken);
        if (block !== undefined) yield* this.#readBlock(block);
      }
    }
  }

  /**
   * Call this after the last chunk.
   * @throws FormatError if the archive is truncated
   */
  finish(): void {
    const rest = Buffer.concat(this.#collected);
    const isFill = this.#zeroBlocks > 0 && isZero(rest);
    const isEnd = this.#state === "header" && rest.length === 0 && this.#headers.isEmpty;
    if (!isFill && !isEnd) throw new FormatError("the archive ends in the middle of an entry");
  }

  #expect(state: State, bytes: number): void {
    this.#state = state;
    this.#missing = bytes;
  }

  #skip(chunk: Buffer): Buffer {
    const skipped = Math.min(chunk.length, this.#missing);
    this.#missing -= skipped;
    if (this.#missing === 0) this.#expect("header", blockSize);
    return chunk.subarray(skipped);
  }

  /** Collects bytes; returns the block once it is complete. */
  #take(bytes: Buffer): Buffer | undefined {
    this.#missing -= bytes.length;
    if (this.#missing === 0 && this.#collected.length === 0) return bytes;
    this.#collected.push(Buffer.from(bytes));
    if (this.#missing > 0) return undefined;
    const block = Buffer.concat(this.#collected);
    this.#collected = [];
    return block;
  }

  *#readBlock(block: Buffer): Generator<TarEvent, void, void> {
    switch (this.#state) {
      case "header":
        yield* this.#readHeader(block);
        break;
      case "extension":
        this.#endExtension(block);
        break;
      case "gnu-sparse":
        yield* this.#readGnuSparse(block);
        break;
      case "sparse-map":
        yield* this.#readSparseMap(block);
        break;
    }
  }

  *#readHeader(block: Buffer): Generator<TarEvent, void, void> {
    if (isZero(block)) {
      this.#zeroBlocks += 1;
      this.#expect(this.#zeroBlocks === 2 ? "trailer" : "header", blockSize);
      return;
    }
    if (this.#zeroBlocks > 0) throw new FormatError("data follows a single block of zeros");
    const header = parseHeader(block);
    if ("xgLK".includes(header.typeFlag)) {
      this.#startExtension(header.typeFlag, header.size);
      return;
    }
    this.#headers.complete(header);
    this.#regions = undefined;
    this.#realSize = undefined;
    if (header.typeFlag === "S") {
      this.#regions = [];
      addGnuRegions(this.#regions, block, 386, 4);
      this.#realSize = parseNumber(block, 483, 12, "sparse size");
      if (block[482] !== 0) {
        this.#expect("gnu-sparse", blockSize);
        return;
      }
    }
    yield* this.#startEntry();
  }

  #startExtension(typeFlag: string, size: number): void {
    if (size > maxExtensionBytes || size < 0) {
      throw new FormatError(`an extended header claims to have ${size} bytes`);
    }
    this.#extension = { typeFlag, size };
    this.#expect("extension", padded(size));
    if (size === 0) this.#endExtension(noBytes);
  }

  #endExtension(block: Buffer): void {
    const { typeFlag, size } = this.#extension;
    this.#headers.extend(typeFlag, block.subarray(0, size));
    this.#expect("header", blockSize);
  }

  *#readGnuSparse(block: Buffer): Generator<TarEvent, void, void> {
    this.#regions ??= [];
    addGnuRegions(this.#regions, block, 0, 21);
    if (block[504] === 0) yield* this.#startEntry();
    else this.#expect("gnu-sparse", blockSize);
  }

  /** The header and its extensions are complete. */
  *#startEntry(): Generator<TarEvent, void, void> {
    if (this.#headers.header.typeFlag === "V") {
      this.#headers.clear();
      this.#expect("header", blockSize);
    } else if (this.#headers.hasInlineSparseMap) {
      this.#sparseMap = new InlineMap();
      this.#expect("sparse-map", blockSize);
    } else {
      this.#regions ??= this.#headers.sparseRegions;
      yield* this.#announce(this.#headers.storedSize, this.#headers.storedSize);
    }
  }

  /** Collects the blocks of a 1.0 map until it is complete; they count as stored contents. */
  *#readSparseMap(block: Buffer): Generator<TarEvent, void, void> {
    this.#regions = this.#sparseMap.push(block);
    const left = this.#headers.storedSize - this.#sparseMap.length;
    if (left < 0) throw new FormatError("its sparse map is damaged");
    if (this.#regions === undefined) this.#expect("sparse-map", blockSize);
    else yield* this.#announce(left, this.#headers.storedSize);
  }

  /**
   * @param stored bytes of contents in the archive
   * @param counted the same including a sparse map before them, which the padding depends on
   */
  *#announce(stored: number, counted: number): Generator<TarEvent, void, void> {
    let size = stored;
    if (this.#regions !== undefined) {
      size = this.#headers.sparseSize ?? this.#realSize ?? 0;
      this.#regions = checkedRegions(this.#regions, size, stored);
    }
    this.#claimed += Math.max(stored, size);
    if (stored < 0 || size < 0 || this.#claimed > maxArchiveBytes) {
      const claim = Math.max(stored, size);
      throw new FormatError(`it claims to have ${claim} bytes, which is impossible`);
    }
    const entry = this.#headers.entry(size);
    yield { kind: "entry", entry };
    this.#padding = padded(counted) - counted;
    if (entry.type !== "file") {
      yield* this.#endEntry(stored + this.#padding);
      return;
    }
    this.#contents = new EntryContents(stored, size, this.#regions);
    this.#state = "content";
    // A file without stored bytes is already complete, but may still be one large hole.
    yield* this.#contents.push(noBytes);
    if (this.#contents.isDone) yield* this.#endEntry(this.#padding);
  }

  *#endEntry(skip: number): Generator<TarEvent, void, void> {
    yield { kind: "end" };
    this.#headers.clear();
    if (skip > 0) this.#expect("skip", skip);
    else this.#expect("header", blockSize);
  }
}
