import { type FileHandle, open } from "node:fs/promises";
import { type Descriptor, OciClientError, verifyingStream } from "../oci-client/index.js";
import { readChunks, systemCode } from "../support/index.js";
import { BatchedFile } from "./batched-file.js";
import type { Blob } from "./blob.js";
import type { BlobCache } from "./blob-cache.js";
import { type Filling, followFile } from "./follow-file.js";

export interface DownloadOptions {
  readonly cache: BlobCache;
  readonly signal: AbortSignal;
  /** Opens the blob's bytes from an offset, or from 0 where that cannot be. */
  openAt(offset: number): Promise<{ body: AsyncIterable<Uint8Array>; offset: number }>;
  onProgress?(present: number, isCached: boolean): void;
}

/**
 * A blob on its way into the cache: taken from there if it is complete, continued where an
 * earlier run stopped, or fetched whole. Can be read while it comes.
 */
export class Download implements Blob, Filling {
  present = 0;
  isComplete = false;
  /** True where nothing had to be fetched. */
  isFromCache = false;
  readonly complete: Promise<void>;
  #path: string;
  readonly #options: DownloadOptions;
  #failure: { readonly error: unknown } | undefined;
  #wake: () => void = () => {};
  #change: Promise<void> = Promise.resolve();

  /** @param begin runs the task when its turn has come */
  constructor(
    readonly descriptor: Descriptor,
    options: DownloadOptions,
    begin: (task: () => Promise<void>) => Promise<void>,
  ) {
    this.#options = options;
    this.#path = options.cache.pathOf(descriptor.digest);
    this.#renewChange();
    this.complete = begin(() => this.#run()).catch((error: unknown) => {
      this.#failure = { error };
      this.#announce();
      throw error;
    });
    this.complete.catch(() => {});
  }

  get path(): string {
    return this.#path;
  }

  read(): AsyncIterable<Buffer> {
    return followFile(() => this.#openForReading(), this);
  }

  /** The file is renamed when it is complete, which may be at this very moment. */
  async #openForReading(): Promise<FileHandle> {
    try {
      return await open(this.#path);
    } catch (error) {
      this.#throwFailure();
      if (systemCode(error) !== "ENOENT") throw error;
      return open(this.#options.cache.pathOf(this.descriptor.digest));
    }
  }

  async changed(): Promise<void> {
    this.#throwFailure();
    await this.#change;
    this.#throwFailure();
  }

  #throwFailure(): void {
    if (this.#failure !== undefined) throw this.#failure.error;
  }

  async #run(): Promise<void> {
    const { cache } = this.#options;
    const { digest, size } = this.descriptor;
    if (await cache.has(digest, size)) {
      this.present = size;
      this.isFromCache = true;
      this.#options.onProgress?.(size, true);
    } else {
      const partial = await cache.takePartial(digest);
      this.#path = partial.path;
      try {
        await cache.guard(() => this.#fill(partial.path, partial.size));
        await partial.finish();
      } catch (error) {
        // Wrong bytes are not worth continuing; too few are.
        const isWrong = error instanceof OciClientError && error.code === "BLOB_MISMATCH";
        await (isWrong && !error.retryable ? partial.discard() : partial.release());
        throw error;
      }
      this.#path = cache.pathOf(digest);
    }
    this.isComplete = true;
    this.#announce();
  }

  /** Fetches what is missing; the whole is checked, what was there before included. */
  async #fill(path: string, present: number): Promise<void> {
    if (present === this.descriptor.size && (await this.#isWhole(path))) return;
    const start = present < this.descriptor.size ? present : 0;
    const { body, offset } = await this.#options.openAt(start);
    const file = await open(path, offset === 0 ? "w" : "r+");
    try {
      await file.truncate(offset);
      const whole = offset === 0 ? body : concatenate(readChunks(path, offset), body);
      await this.#store(file, verifyingStream(whole, this.descriptor), offset);
    } finally {
      await file.close();
    }
  }

  /** True where an earlier run was stopped after the last byte. */
  async #isWhole(path: string): Promise<boolean> {
    const { descriptor } = this;
    if (!(await isIntact(path, descriptor, this.#options.signal))) return false;
    this.#advance(descriptor.size);
    return true;
  }

  /** @param present bytes at the head that are in the file already */
  async #store(
    file: FileHandle,
    chunks: AsyncIterable<Uint8Array>,
    present: number,
  ): Promise<void> {
    const rest = new BatchedFile(file, present, (position) => this.#advance(position));
    let checked = 0;
    try {
      for await (const chunk of chunks) {
        this.#options.signal.throwIfAborted();
        if (checked < present) {
          checked += chunk.length;
          this.#advance(checked);
        } else {
          await rest.write(chunk);
        }
      }
    } finally {
      // What came before a failure is worth keeping, too.
      await rest.flush();
    }
  }

  #advance(present: number): void {
    this.present = present;
    this.#options.onProgress?.(present, false);
    this.#announce();
  }

  #announce(): void {
    const wake = this.#wake;
    this.#renewChange();
    wake();
  }

  #renewChange(): void {
    this.#change = new Promise((resolve) => {
      this.#wake = resolve;
    });
  }
}

async function* concatenate(
  first: AsyncIterable<Uint8Array>,
  second: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  yield* first;
  yield* second;
}

/** Checks the digest of a file that is complete already. */
export async function verifyFile(
  path: string,
  descriptor: Descriptor,
  signal: AbortSignal,
): Promise<void> {
  for await (const _ of verifyingStream(readChunks(path), descriptor)) signal.throwIfAborted();
}

/** The same as an answer; false only for wrong bytes. */
export async function isIntact(
  path: string,
  descriptor: Descriptor,
  signal: AbortSignal,
): Promise<boolean> {
  try {
    await verifyFile(path, descriptor, signal);
    return true;
  } catch (error) {
    if (error instanceof OciClientError && error.code === "BLOB_MISMATCH") return false;
    throw error;
  }
}
