import { type FileHandle, open, stat } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";
import { type Descriptor, isMismatch, OciClientError, type Retry } from "../../oci-client/index.js";
import { systemCode } from "../../support/index.js";
import type { BlobCache, PartialBlob } from "../cache/blob-cache.js";
import { type Filling, tailFile } from "../cache/tail-file.js";
import type { Blob } from "../image-source/blob.js";
import { verifySlice } from "../image-source/file-blob.js";
import { type BlobOpener, resumeDownload } from "./resume-download.js";

/** So often a file may be taken away from the one who fills it. */
const mostLosses = 10;

export interface DownloadOptions {
  readonly cache: BlobCache;
  readonly signal: AbortSignal;
  readonly openAt: BlobOpener;
  /** What attempts go by; the signal ends their pauses. */
  newRetry(signal: AbortSignal): Promise<Retry>;
  onProgress?(present: number, isCached: boolean): void;
  onNotice?(message: string): void;
}

/** A file by what stays the same when it is renamed, held open so that no other becomes it. */
interface Pin {
  readonly file: FileHandle;
  readonly dev: number;
  readonly ino: number;
}

/**
 * A blob on its way into the cache: taken from there if it is complete, continued where an
 * earlier run stopped, or fetched whole; or awaited where another process fetches it. Can be read
 * while it comes. Wrong bytes are discarded and fetched once more, unless somebody has read them.
 */
export class Download implements Blob, Filling {
  present = 0;
  isComplete = false;
  /** True where this process had to fetch nothing. */
  isFromCache = true;
  /** True where it failed for bytes that were wrong, but were not fetched again yet. */
  isWorthAnother = false;
  readonly complete: Promise<void>;
  #path: string;
  readonly #options: DownloadOptions;
  #failure: { readonly error: unknown } | undefined;
  #wake: () => void = () => {};
  #change: Promise<void> = Promise.resolve();
  /** The file that `present` is about. */
  #pin: Pin | undefined;
  #wasRead = false;
  #isSecond = false;
  #losses = 0;
  /** Most bytes that were told of: what is fetched again is no step back for who looks on. */
  #told = -1;
  /** True where nothing was seen to come. */
  #wasThere = true;

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

  get size(): number {
    return this.descriptor.size;
  }

  get path(): string {
    return this.#path;
  }

  read(): AsyncIterable<Buffer> {
    return tailFile(() => this.#openForReading(), this);
  }

  /** The file is renamed when it is complete, which may be at this very moment. */
  async #openForReading(): Promise<FileHandle> {
    this.#wasRead = true;
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
    const { cache, signal } = this.#options;
    const { digest, size } = this.descriptor;
    try {
      await cache.use(digest, signal);
      while (!(await cache.has(digest, size))) {
        signal.throwIfAborted();
        const partial = await cache.takePartial(digest);
        if (partial === undefined) await this.#follow();
        else await this.#fetch(partial);
      }
      await this.#settle();
    } finally {
      await this.#pin?.file.close();
    }
  }

  /** The blob is in its place. */
  async #settle(): Promise<void> {
    const { cache, onProgress } = this.#options;
    const { digest, size } = this.descriptor;
    const path = cache.pathOf(digest);
    const { dev, ino } = await stat(path);
    if (this.#pin !== undefined && !isSame(this.#pin, { dev, ino })) await this.#unpin();
    await cache.touch(digest);
    this.#path = path;
    this.present = size;
    this.isComplete = true;
    if (this.#told < size) onProgress?.(size, this.#wasThere);
    this.#announce();
  }

  async #fetch(partial: PartialBlob): Promise<void> {
    const { cache, signal, openAt, newRetry } = this.#options;
    const { descriptor } = this;
    try {
      // Another process may have been quicker.
      if (await cache.has(descriptor.digest, descriptor.size)) return;
      await cache.guard(() =>
        resumeDownload({
          descriptor,
          path: partial.path,
          signal: AbortSignal.any([signal, partial.lost]),
          openAt: (offset, either) => {
            this.isFromCache = false;
            return openAt(offset, either);
          },
          newRetry,
          onOpened: () => this.#lookAt(partial.path),
          onPresent: (present) => this.#advance(present),
        }),
      );
      await partial.finish();
    } catch (error) {
      // Another process has gone on in this one's place.
      this.#losses += 1;
      const isLost = partial.lost.aborted || systemCode(error) === "ENOENT";
      if (isLost && !signal.aborted && this.#losses < mostLosses) return;
      if (!isMismatch(error)) throw error;
      await partial.discard();
      await this.#startOver(error);
    } finally {
      await partial.release();
    }
  }

  /** Waits until another process has fetched the blob, or does so no longer. */
  async #follow(): Promise<void> {
    const { cache, signal, onNotice } = this.#options;
    const { digest, size } = this.descriptor;
    let isTold = false;
    // Of several that come at once all step back, and one is the first to come again.
    await delay(Math.random() * cache.poll);
    if (!(await cache.isBeingFilled(digest))) return;
    while (!(await cache.has(digest, size)) && (await cache.isBeingFilled(digest))) {
      const path = cache.partialPathOf(digest);
      await this.#lookAt(path).catch((error: unknown) => {
        // It is not begun yet, or was just completed.
        if (systemCode(error) !== "ENOENT") throw error;
      });
      if (this.#pin !== undefined) {
        this.#advance(Math.min(size, (await this.#pin.file.stat()).size));
      }
      await delay(cache.poll, undefined, { signal }).catch(() => signal.throwIfAborted());
      if (!isTold) onNotice?.(`Layers are being fetched already; waiting for ${digest}.`);
      isTold = true;
    }
  }

  /** Makes a file the one that is read. */
  async #lookAt(path: string): Promise<void> {
    const seen = await stat(path);
    if (this.#pin !== undefined && isSame(this.#pin, seen)) return;
    if (this.#pin !== undefined) await this.#unpin();
    const file = await open(path);
    const { dev, ino } = await file.stat();
    this.#pin = { file, dev, ino };
    this.#path = path;
  }

  /**
   * Forgets wrong bytes.
   * @throws the error where somebody has read them, and where it is not the first time
   */
  async #startOver(error: unknown): Promise<void> {
    this.isWorthAnother = this.#wasRead && !this.#isSecond;
    if (this.#wasRead || this.#isSecond) throw error;
    this.#isSecond = true;
    await this.#unpin();
    this.#options.onNotice?.(`Wrong bytes came for ${this.descriptor.digest}: fetching it again.`);
  }

  /**
   * Forgets the file that `present` was about: another is in its place.
   * @throws OciClientError BLOB_MISMATCH where somebody has read it
   */
  async #unpin(): Promise<void> {
    if (this.#wasRead) {
      this.isWorthAnother = true;
      const message = `The bytes that came first for ${this.descriptor.digest} were wrong.`;
      throw new OciClientError("BLOB_MISMATCH", message, { hint: "Run the same command again." });
    }
    await this.#pin?.file.close();
    this.#pin = undefined;
    this.present = 0;
  }

  #advance(present: number): void {
    if (present === this.present && !this.#wasThere) return;
    this.present = present;
    this.#wasThere = false;
    // That all has come is told once it is known to be right.
    if (present > this.#told && present < this.descriptor.size) {
      this.#told = present;
      this.#options.onProgress?.(present, false);
    }
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

function isSame(one: { dev: number; ino: number }, other: { dev: number; ino: number }): boolean {
  return one.dev === other.dev && one.ino === other.ino;
}

/** Whether a file that is complete has the bytes of its digest; false only for wrong bytes. */
export async function isIntact(
  path: string,
  descriptor: Descriptor,
  signal: AbortSignal,
): Promise<boolean> {
  try {
    await verifySlice({ path, size: descriptor.size }, descriptor, signal);
    return true;
  } catch (error) {
    if (error instanceof OciClientError && error.code === "BLOB_MISMATCH") return false;
    throw error;
  }
}
