import { constants } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import {
  BlobVerifier,
  type Descriptor,
  isMismatch,
  OciClientError,
  type Retry,
} from "../../oci-client/index.js";
import { formatBytes, readChunks } from "../../support/index.js";
import { BufferedWriter } from "../cache/buffered-writer.js";

/** Bytes after which earlier failures do not count any more. */
const progressStep = 1024 * 1024;
/** A transfer that ends too early, without an error, this often at one place has a reason. */
const mostShortEnds = 3;

/** Opens a blob's bytes from an offset, or from 0 where that cannot be. */
export type BlobOpener = (
  offset: number,
  signal: AbortSignal,
) => Promise<{ body: AsyncIterable<Uint8Array>; offset: number }>;

export interface ResumeDownloadOptions {
  readonly descriptor: Descriptor;
  /** The file, of which the first bytes may be there. */
  readonly path: string;
  readonly signal: AbortSignal;
  readonly openAt: BlobOpener;
  /** What attempts go by; the signal ends their pauses. */
  newRetry(signal: AbortSignal): Promise<Retry>;
  /** The file is there, and nothing was read of it yet. */
  onOpened(file: FileHandle): Promise<void>;
  /** Bytes of the file that were checked, as far as that goes before the last one. */
  onPresent(present: number): void;
}

/**
 * Completes the file of a blob, and checks all of it, what was there before included. The file only
 * grows: where a server begins with the first byte again, these bytes are held against those that
 * are there.
 *
 * @throws OciClientError BLOB_MISMATCH, where the file is worth nothing, and what made it give up
 */
export async function resumeDownload(input: ResumeDownloadOptions): Promise<void> {
  const { descriptor, path, signal, onPresent } = input;
  const file = await open(path, constants.O_RDWR | constants.O_CREAT);
  try {
    await input.onOpened(file);
    const verifier = new BlobVerifier(descriptor);
    for await (const chunk of readChunks(path)) {
      signal.throwIfAborted();
      verifier.update(chunk);
      onPresent(verifier.received);
    }
    if (verifier.received < descriptor.size) await fetchRest(input, file, verifier);
    verifier.finish();
  } finally {
    await file.close();
  }
}

async function fetchRest(
  input: ResumeDownloadOptions,
  file: FileHandle,
  verifier: BlobVerifier,
): Promise<void> {
  const { descriptor, signal, openAt } = input;
  const retry = await input.newRetry(signal);
  let counted = verifier.received;
  let shortEnds = 0;
  while (verifier.received < descriptor.size) {
    const before = verifier.received;
    try {
      await store(input, file, verifier, await openAt(before, signal));
      // Throws where the body ended too early.
      if (verifier.received < descriptor.size) verifier.finish();
    } catch (error) {
      signal.throwIfAborted();
      if (isMismatch(error)) throw error;
      if (verifier.received - counted >= progressStep) {
        counted = verifier.received;
        retry.renew();
      }
      if (isShortEnd(error)) {
        shortEnds = verifier.received > before ? 0 : shortEnds + 1;
        if (shortEnds === mostShortEnds) throw error;
      }
      await retry.wait(error, amountOf(verifier, descriptor)).catch((final: unknown) => {
        throw final === error ? error : hinted(final);
      });
    }
  }
}

/** Appends what is new in a body. */
async function store(
  { descriptor, signal, onPresent }: ResumeDownloadOptions,
  file: FileHandle,
  verifier: BlobVerifier,
  { body, offset }: { body: AsyncIterable<Uint8Array>; offset: number },
): Promise<void> {
  const known = verifier.received - offset;
  const again = new BlobVerifier(descriptor);
  const rest = new BufferedWriter(file, verifier.received, onPresent);
  try {
    for await (const chunk of body) {
      signal.throwIfAborted();
      const repeated = Math.min(chunk.length, known - again.received);
      if (repeated > 0) {
        again.update(chunk.subarray(0, repeated));
        if (again.received === known) verifier.assertSame(again);
      }
      if (repeated === chunk.length) continue;
      verifier.update(chunk.subarray(repeated));
      await rest.write(chunk.subarray(repeated));
    }
  } finally {
    // What came before a failure is worth keeping, too.
    await rest.flush();
  }
}

/** What gave up in the end leaves what it has. */
function hinted(error: unknown): unknown {
  if (!(error instanceof OciClientError)) return error;
  const hint = "Run the same command again: without --no-cache, what has come is kept.";
  return new OciClientError(error.code, error.message, { hint, retryable: true, cause: error });
}

function isShortEnd(error: unknown): boolean {
  return error instanceof OciClientError && error.code === "BLOB_MISMATCH";
}

function amountOf({ received }: BlobVerifier, { size }: Descriptor): string {
  return `${formatBytes(received)} of ${formatBytes(size)} have come`;
}
