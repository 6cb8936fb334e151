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
import { retryRules } from "../image-source/retry-rules.js";

/** After this much progress, earlier failures no longer count. */
const progressBytes = 1024 * 1024;

/** Opens a blob at an offset, or at 0 if the server cannot resume. */
export type BlobOpener = (
  offset: number,
  signal: AbortSignal,
) => Promise<{ body: AsyncIterable<Uint8Array>; offset: number }>;

export interface ResumeDownloadOptions {
  readonly descriptor: Descriptor;
  /** The file; an earlier run may have written its first bytes. */
  readonly path: string;
  readonly signal: AbortSignal;
  readonly openAt: BlobOpener;
  /** Makes what decides about further attempts; the signal ends its pauses. */
  newRetry(signal: AbortSignal): Promise<Retry>;
  /** Called when the file exists, before it is read. */
  onOpened(): Promise<void>;
  /** Receives the number of bytes that are there, and hashed. */
  onPresent(present: number): void;
}

/**
 * Completes the file of a blob and verifies all of it, including the bytes that were there before. The
 * file only grows: if a server starts with the first byte again, its bytes are compared with those in
 * the file.
 *
 * @throws OciClientError BLOB_MISMATCH if the file is worthless; the last error if the attempts are
 *   used up (`retryRules.brokenTransfer`)
 */
export async function resumeDownload(options: ResumeDownloadOptions): Promise<void> {
  const { descriptor, path, signal, onPresent } = options;
  const file = await open(path, constants.O_RDWR | constants.O_CREAT);
  try {
    await options.onOpened();
    const verifier = new BlobVerifier(descriptor);
    for await (const chunk of readChunks(path)) {
      signal.throwIfAborted();
      verifier.update(chunk);
      onPresent(verifier.received);
    }
    if (verifier.received < descriptor.size) await fetchRest(options, file, verifier);
    verifier.finish();
  } finally {
    await file.close();
  }
}

async function fetchRest(
  options: ResumeDownloadOptions,
  file: FileHandle,
  verifier: BlobVerifier,
): Promise<void> {
  const { descriptor, signal, openAt } = options;
  const retry = await options.newRetry(signal);
  let renewedAt = verifier.received;
  let shortTransfers = 0;
  while (verifier.received < descriptor.size) {
    const before = verifier.received;
    try {
      await append(options, file, verifier, await openAt(before, signal));
      // Throws if the body ended too early.
      if (verifier.received < descriptor.size) verifier.finish();
    } catch (error) {
      signal.throwIfAborted();
      if (isMismatch(error)) throw error;
      if (verifier.received - renewedAt >= progressBytes) {
        renewedAt = verifier.received;
        retry.renew();
      }
      if (isShortTransfer(error)) {
        shortTransfers = verifier.received > before ? 0 : shortTransfers + 1;
        if (shortTransfers > retryRules.shortTransfer.limit) throw error;
      }
      await retry.wait(error, describeProgress(verifier, descriptor)).catch((final: unknown) => {
        throw final === error ? error : withResumeHint(final);
      });
    }
  }
}

/** Appends the bytes of a body that the file does not have yet. */
async function append(
  { descriptor, signal, onPresent }: ResumeDownloadOptions,
  file: FileHandle,
  verifier: BlobVerifier,
  { body, offset }: { body: AsyncIterable<Uint8Array>; offset: number },
): Promise<void> {
  const known = verifier.received - offset;
  const repeatedVerifier = new BlobVerifier(descriptor);
  const writer = new BufferedWriter(file, verifier.received, onPresent);
  try {
    for await (const chunk of body) {
      signal.throwIfAborted();
      const repeated = Math.min(chunk.length, known - repeatedVerifier.received);
      if (repeated > 0) {
        repeatedVerifier.update(chunk.subarray(0, repeated));
        if (repeatedVerifier.received === known) verifier.assertSame(repeatedVerifier);
      }
      if (repeated === chunk.length) continue;
      verifier.update(chunk.subarray(repeated));
      await writer.write(chunk.subarray(repeated));
    }
  } finally {
    // The bytes that came before a failure are worth keeping.
    await writer.flush();
  }
}

/** The final error, with the hint that the bytes so far are in the cache. */
function withResumeHint(error: unknown): unknown {
  if (!(error instanceof OciClientError)) return error;
  const hint = "Run the same command again. Without --no-cache, it continues this download.";
  return new OciClientError(error.code, error.message, {
    hint,
    failure: error.failure,
    cause: error,
  });
}

function isShortTransfer(error: unknown): boolean {
  return error instanceof OciClientError && error.failure === "incomplete";
}

function describeProgress({ received }: BlobVerifier, { size }: Descriptor): string {
  return `received ${formatBytes(received)} of ${formatBytes(size)}`;
}
