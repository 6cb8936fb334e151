import { stat } from "node:fs/promises";
import { CpioReader, InitrdFormatError } from "./cpio.js";
import { type Codec, codecAt, decompress } from "./initrd-compression.js";
import { readFrom } from "./read-from.js";

export { InitrdFormatError } from "./cpio.js";

/** What an initrd is made of. */
export interface InitrdContents {
  /** Files and directories in all of its archives. */
  readonly entries: number;
  /** In order, as `["cpio", "zstd"]`: microcode that stands before the rest is a plain cpio. */
  readonly parts: readonly (Codec | "cpio")[];
  /** Versions that it has a directory `/lib/modules/VERSION` of. */
  readonly moduleVersions: ReadonlySet<string>;
}

/** Unpacked, far above any initrd that a machine could hold. */
const mostBytes = 32 * 1024 ** 3;
const mostParts = 64;
const mostVersions = 100;

/**
 * Lists an initrd to its end, as the kernel would unpack it: plain cpio archives and compressed
 * parts one after the other, with zeros between them (Linux, init/initramfs.c).
 * @throws InitrdFormatError; NetbootError where a decompressor is missing or is ended
 */
export async function listInitrd(path: string, signal: AbortSignal): Promise<InitrdContents> {
  const { size } = await stat(path);
  const versions = new Set<string>();
  const noteName = (name: string) => {
    const version = /^(?:\.?\/)?(?:usr\/)?lib\/modules\/([^/]+)/.exec(name)?.[1];
    if (version !== undefined && versions.size < mostVersions) versions.add(version);
  };
  const parts: (Codec | "cpio")[] = [];
  let entries = 0;
  for (let offset = 0; offset < size; ) {
    if (parts.length >= mostParts) throw new InitrdFormatError("has too many parts");
    const reader = new CpioReader(noteName, offset);
    const plain = await readPlain(path, offset, reader);
    entries += reader.entries;
    if (reader.archives > 0) parts.push("cpio");
    offset = plain;
    if (offset >= size) break;
    const codec = await codecAt(path, offset);
    if (codec === undefined) {
      throw new InitrdFormatError(
        `has something at byte ${offset} that is neither cpio nor compressed`,
      );
    }
    parts.push(codec);
    const inner = new CpioReader(noteName);
    let unpacked = 0;
    const part = decompress(codec, { path, offset, size, signal });
    let next = await part.next();
    while (!next.done) {
      signal.throwIfAborted();
      unpacked += next.value.length;
      if (unpacked > mostBytes) throw new InitrdFormatError("unpacks to more than 32 GiB");
      if (inner.push(next.value) < next.value.length) {
        throw new InitrdFormatError("holds something compressed that is no cpio archive");
      }
      next = await part.next();
    }
    inner.finish();
    if (inner.archives === 0) throw new InitrdFormatError("has an empty part");
    entries += inner.entries;
    offset = next.value;
  }
  if (entries === 0) throw new InitrdFormatError("holds no files");
  return { entries, parts, moduleVersions: versions };
}

/** @returns the offset of the first byte that is neither cpio nor zero */
async function readPlain(path: string, start: number, reader: CpioReader): Promise<number> {
  let offset = start;
  for await (const chunk of readFrom(path, start)) {
    const taken = reader.push(chunk);
    offset += taken;
    if (taken < chunk.length) break;
  }
  if (!reader.isBetween || reader.archives > 0) reader.finish();
  return offset;
}
