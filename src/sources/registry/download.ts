import { type FileHandle, open } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";
import { type Descriptor, isMismatch, OciClientError, type Retry } from "../../oci-client/index.js";
import { systemCode } from "../../support/index.js";
import type { BlobCache, PartialBlob } from "../cache/blob-cache.js";
import { type Filling, tailFile } from "../cache/tail-file.js";
import type { Blob } from "../image-source/blob.js";
import { retryRules } from "../image-source/retry-rules.js";
import { ChangeSignal } from "./change-signal.js";
import { DownloadProgress } from "./download-progress.js";
import { PinnedFile } from "./pinned-file.js";
import { type BlobOpener, resumeDownload } from "./resume-download.js";

export interface DownloadOptions {
  readonly cache: BlobCache;
  readonly signal: AbortSignal;
  readonly openAt: BlobOpener;
  /** Makes what decides about further attempts; the signal ends its pauses. */
  newRetry(signal: AbortSignal): Promise<Retry>;
  /** See `SourceOptions.onProgress`. */
  onProgress?(present: number, isCached: boolean): void;
  onNotice?(message: string): void;
}

/**
 * The file that readers see:
 *
 *     waiting ──▶ filling ──▶ complete
 *        ▲  └───────│────────────▲
 *        └──────────┘
 *     any of them but complete ──▶ failed
 *
 * `filling` returns to `waiting` if the file is replaced by another one, which is possible only as
 * long as nothing has read it.
 */
type State =
  /** There is no file yet, or it has not been looked at. */
  | { readonly name: "waiting" }
  /** A partial file grows, filled by this process or by another one. */
  | { readonly name: "filling"; readonly file: PinnedFile; readonly present: number }
  /** The cache has the verified blob. */
  | { readonly name: "complete" }
  /** Readers may still read the bytes that were there. */
  | {
      readonly name: "failed";
      readonly path: string;
      readonly present: number;
      readonly error: unknown;
    };

/** How one attempt to fill the partial file ended. */
type FillOutcome =
  | { readonly name: "filled" }
  /** Another process has taken the file over. */
  | { readonly name: "lost"; readonly error: unknown }
  /** The bytes were wrong and have been discarded. */
  | { readonly name: "discarded"; readonly error: unknown };

/**
 * A blob on its way into the cache. Depending on what is there, it is taken from the cache, continued
 * where an earlier run stopped, fetched from the first byte on, or awaited while another process
 * fetches it. It can be read while it arrives.
 */
export class Download implements Blob, Filling {
  readonly complete: Promise<void>;
  readonly #options: DownloadOptions;
  readonly #progress: DownloadProgress;
  readonly #changes = new ChangeSignal();
  #state: State = { name: "waiting" };
  /** `misled` readers have read bytes that were discarded afterwards. */
  #readers: "none" | "some" | "misled" = "none";
  #hasFetched = false;

  /** @param begin runs the task when its turn has come */
  constructor(
    readonly descriptor: Descriptor,
    options: DownloadOptions,
    begin: (task: () => Promise<void>) => Promise<void>,
  ) {
    this.#options = options;
    this.#progress = new DownloadProgress(descriptor.size, (present, isCached) =>
      options.onProgress?.(present, isCached),
    );
    this.complete = begin(() => this.#run()).catch((error: unknown) => {
      const { path, present } = this;
      this.#enter({ name: "failed", path, present, error });
      throw error;
    });
    this.complete.catch(() => {});
  }

  get size(): number {
    return this.descriptor.size;
  }

  get path(): string {
    const state = this.#state;
    if (state.name === "filling") return state.file.path;
    if (state.name === "failed") return state.path;
    return this.#options.cache.pathOf(this.descriptor.digest);
  }

  get present(): number {
    const state = this.#state;
    if (state.name === "waiting") return 0;
    return state.name === "complete" ? this.descriptor.size : state.present;
  }

  get isComplete(): boolean {
    return this.#state.name === "complete";
  }

  /** True if this process did not have to fetch any byte. */
  get isFromCache(): boolean {
    return !this.#hasFetched;
  }

  /** True if wrong bytes were read before they were discarded, and were not fetched again since. */
  get hasMisledReaders(): boolean {
    return this.#readers === "misled";
  }

  /** True once the blob has a file that can be checked. */
  get hasFile(): boolean {
    return this.present > 0 || this.isComplete;
  }

  read(): AsyncIterable<Buffer> {
    return tailFile(() => this.#openForReading(), this);
  }

  /** The file gets its final name when it is complete, perhaps at this very moment. */
  async #openForReading(): Promise<FileHandle> {
    if (this.#readers === "none") this.#readers = "some";
    try {
      return await open(this.path);
    } catch (error) {
      this.#throwFailure();
      if (systemCode(error) !== "ENOENT") throw error;
      return open(this.#options.cache.pathOf(this.descriptor.digest));
    }
  }

  async changed(): Promise<void> {
    this.#throwFailure();
    await this.#changes.next;
    this.#throwFailure();
  }

  #throwFailure(): void {
    if (this.#state.name === "failed") throw this.#state.error;
  }

  #enter(state: State): void {
    this.#state = state;
    this.#changes.announce();
  }

  async #run(): Promise<void> {
    const { cache, signal } = this.#options;
    const { digest, size } = this.descriptor;
    let losses = 0;
    let discards = 0;
    try {
      await cache.use(digest, signal);
      while (!(await cache.has(digest, size))) {
        signal.throwIfAborted();
        const partial = await cache.takePartial(digest);
        if (partial === undefined) {
          await this.#follow();
          continue;
        }
        const outcome = await this.#fill(partial);
        if (outcome.name === "lost") {
          losses += 1;
          if (losses > retryRules.claimLost.limit) throw outcome.error;
        } else if (outcome.name === "discarded") {
          discards += 1;
          await this.#startOver(outcome.error, discards);
        }
      }
      await this.#finish();
    } finally {
      if (this.#state.name === "filling") await this.#state.file.close();
    }
  }

  /** The cache has the blob: makes its file the one that readers see. */
  async #finish(): Promise<void> {
    const { cache } = this.#options;
    const { digest } = this.descriptor;
    if (this.#state.name === "filling") {
      const { file } = this.#state;
      if (!(await file.isAt(cache.pathOf(digest)))) await this.#dropFile();
      else await file.close();
    }
    await cache.touch(digest);
    this.#state = { name: "complete" };
    this.#progress.complete();
    this.#changes.announce();
  }

  /** Fetches the bytes that the partial file lacks. */
  async #fill(partial: PartialBlob): Promise<FillOutcome> {
    const { cache, signal, openAt, newRetry } = this.#options;
    const { descriptor } = this;
    try {
      // Another process may have completed it since the last look.
      if (await cache.has(descriptor.digest, descriptor.size)) return { name: "filled" };
      await cache.guard(() =>
        resumeDownload({
          descriptor,
          path: partial.path,
          signal: AbortSignal.any([signal, partial.lost]),
          openAt: (offset, either) => {
            this.#hasFetched = true;
            return openAt(offset, either);
          },
          newRetry,
          onOpened: () => this.#watch(partial.path),
          onPresent: (present) => this.#advance(present),
        }),
      );
      await partial.finish();
      return { name: "filled" };
    } catch (error) {
      const isLost = partial.lost.aborted || systemCode(error) === "ENOENT";
      if (isLost && !signal.aborted) return { name: "lost", error };
      if (!isMismatch(error)) throw error;
      await partial.discard();
      return { name: "discarded", error };
    } finally {
      await partial.release();
    }
  }

  /** Waits until another process has fetched the blob, or has stopped fetching it. */
  async #follow(): Promise<void> {
    const { cache, signal, onNotice } = this.#options;
    const { digest, size } = this.descriptor;
    let isReported = false;
    // If several processes claim the blob concurrently, all of them step back. A random pause lets one
    // of them return first.
    await delay(Math.random() * cache.pollIntervalMs);
    if (!(await cache.isBeingFilled(digest))) return;
    while (!(await cache.has(digest, size)) && (await cache.isBeingFilled(digest))) {
      await this.#watch(cache.partialPathOf(digest)).catch((error: unknown) => {
        // The file does not exist yet, or was just completed.
        if (systemCode(error) !== "ENOENT") throw error;
      });
      if (this.#state.name === "filling") {
        this.#advance(Math.min(size, await this.#state.file.size()));
      }
      await delay(cache.pollIntervalMs, undefined, { signal }).catch(() => signal.throwIfAborted());
      if (!isReported) {
        onNotice?.(`Another process is fetching layers already; waiting for ${digest}.`);
      }
      isReported = true;
    }
  }

  /** Makes a partial file the one that readers see. */
  async #watch(path: string): Promise<void> {
    if (this.#state.name === "filling") {
      if (await this.#state.file.isAt(path)) return;
      await this.#dropFile();
    }
    this.#enter({ name: "filling", file: await PinnedFile.open(path), present: 0 });
  }

  /**
   * Reacts to wrong bytes (`retryRules.wrongBytesUnread`).
   * @throws the error if something has read them, or if they were wrong before
   */
  async #startOver(error: unknown, discards: number): Promise<void> {
    const isLast = discards > retryRules.wrongBytesUnread.limit;
    if (this.#readers !== "none" && !isLast) this.#readers = "misled";
    if (this.#readers !== "none" || isLast) throw error;
    await this.#dropFile();
    this.#options.onNotice?.(
      `The bytes received for ${this.descriptor.digest} were wrong; fetching them again.`,
    );
  }

  /**
   * Stops looking at a file, because another one has its place.
   * @throws OciClientError BLOB_MISMATCH if something has read it
   */
  async #dropFile(): Promise<void> {
    if (this.#readers !== "none") {
      this.#readers = "misled";
      const message = `The bytes first received for ${this.descriptor.digest} were wrong.`;
      const hint = "Run the same command again.";
      throw new OciClientError("BLOB_MISMATCH", message, { hint, failure: "mismatch" });
    }
    if (this.#state.name === "filling") await this.#state.file.close();
    this.#state = { name: "waiting" };
  }

  #advance(present: number): void {
    const state = this.#state;
    if (state.name !== "filling") return;
    if (present === state.present && this.#progress.hasBegun) return;
    this.#state = { ...state, present };
    this.#progress.advance(present);
    this.#changes.announce();
  }
}
