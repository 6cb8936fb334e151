import { type ChildProcess, spawn } from "node:child_process";
import type { Readable, Writable } from "node:stream";
import { createGunzip } from "node:zlib";
import { findProgram, NetbootError } from "../../support/index.js";

export type ArchiveCompression = "gzip" | "zstd" | "none";

/** Bytes that tell it. */
export const magicSize = 4;

/** gzip: RFC 1952 §2.3.1; zstd and its skippable frames: RFC 8878 §3.1. */
export function compressionOf(head: Buffer): ArchiveCompression {
  if (head.length < magicSize) return "none";
  if (head.readUInt16BE(0) === 0x1f8b) return "gzip";
  const magic = head.readUInt32LE(0);
  return magic === 0xfd2fb528 || magic >>> 4 === 0x184d2a5 ? "zstd" : "none";
}

interface Decompressor {
  readonly input: Writable;
  readonly output: Readable;
  /** Settles when it has ended; rejects where it found fault with its input. */
  readonly ended: Promise<void>;
  stop(): void;
}

/**
 * An archive's bytes without their compression. What follows them unread is not noticed here: the
 * archive has an end of its own, and its blobs have digests.
 * @throws NetbootError LAYOUT_INVALID, ZSTD_MISSING, and what the chunks throw
 */
export async function* decompress(
  compression: ArchiveCompression,
  chunks: AsyncIterable<Buffer>,
  where: string,
): AsyncGenerator<Buffer> {
  if (compression === "none") {
    yield* chunks;
    return;
  }
  const decompressor = await open(compression, where);
  decompressor.ended.catch(() => {});
  const fed = feed(chunks, decompressor.input);
  // It would wait forever for what does not come.
  fed.catch(() => decompressor.stop());
  try {
    yield* decompressor.output as AsyncIterable<Buffer>;
    await decompressor.ended;
    await fed;
  } catch (error) {
    decompressor.stop();
    // What kept the bytes from coming is the reason that matters, not what followed from it.
    await fed;
    throw error instanceof NetbootError ? error : damaged(where, (error as Error).message, error);
  } finally {
    decompressor.stop();
  }
}

async function open(compression: "gzip" | "zstd", where: string): Promise<Decompressor> {
  const program = await findProgram(compression === "gzip" ? "igzip" : "zstd");
  if (program !== undefined) return programDecompressor(program, where);
  if (compression === "gzip") return ownGunzip();
  throw new NetbootError(
    "ZSTD_MISSING",
    `The archive ${where} is compressed with zstd, and there is no program zstd.`,
    "Install zstd, or decompress the archive first.",
  );
}

function ownGunzip(): Decompressor {
  const decoder = createGunzip({ chunkSize: 256 * 1024 });
  // Its own output tells of its failure.
  return {
    input: decoder,
    output: decoder,
    ended: Promise.resolve(),
    stop: () => decoder.destroy(),
  };
}

function programDecompressor(program: string, where: string): Decompressor {
  const child = spawn(program, ["-d", "-c"], { stdio: ["pipe", "pipe", "pipe"] });
  // EPIPE says less than the program's own words.
  child.stdin.on("error", () => {});
  return {
    input: child.stdin,
    output: child.stdout,
    ended: endOf(child, where),
    stop: () => child.kill("SIGKILL"),
  };
}

function endOf(child: ChildProcess, where: string): Promise<void> {
  let words = "";
  child.stderr!.setEncoding("utf8").on("data", (text: string) => {
    words = (words + text).slice(0, 1000);
  });
  return new Promise((resolve, reject) => {
    child.on("error", reject).on("close", (status) => {
      if (status === 0) resolve();
      else reject(damaged(where, words.trim() || `status ${status}`));
    });
  });
}

/** Ends with the input: a decompressor that was closed early tells why by itself. */
async function feed(chunks: AsyncIterable<Buffer>, input: Writable): Promise<void> {
  const closed = new Promise<"closed">((resolve) => {
    input.on("close", () => resolve("closed"));
  });
  const iterator = chunks[Symbol.asyncIterator]();
  for (;;) {
    const next = await Promise.race([iterator.next(), closed]);
    if (next === "closed") {
      // It may be waiting for bytes that come much later.
      iterator.return?.().catch(() => {});
      return;
    }
    if (next.done) break;
    const written = new Promise<void>((resolve) => {
      input.write(next.value, () => resolve());
    });
    await Promise.race([written, closed]);
  }
  input.end();
}

function damaged(where: string, reason: string, cause?: unknown): NetbootError {
  return new NetbootError(
    "LAYOUT_INVALID",
    `The archive ${where} cannot be decompressed (${reason}).`,
    "Save or copy the image again.",
    { cause },
  );
}
