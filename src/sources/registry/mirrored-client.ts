import {
  type BlobBody,
  type Descriptor,
  type ImageReader,
  type Index,
  type ManifestBytes,
  parseManifest,
  type Reference,
  type RegistryClient,
  Retry,
  type RetryOptions,
  type RetryPolicy,
} from "../../oci-client/index.js";
import { BlobSuppliers } from "./blob-suppliers.js";
import { type MirrorSelection, mirrorName } from "./mirror-selection.js";
import { type OpenBlob, readMirroredBlob } from "./mirrored-blob.js";
import type { PullSource } from "./pull-sources.js";

/**
 * Reads one image from the first mirror or registry that has it. The methods and their errors are
 * those of RegistryClient, and the reference they take is the image's own.
 */
export class MirroredClient {
  readonly #client: RegistryClient;
  readonly #selection: MirrorSelection;
  readonly #retry: Partial<RetryPolicy> | undefined;
  readonly #suppliers = new BlobSuppliers();

  /**
   * @param client tries nothing again by itself
   * @param retry how long to try all sources again
   */
  constructor(
    client: RegistryClient,
    selection: MirrorSelection,
    retry: Partial<RetryPolicy> | undefined,
  ) {
    this.#client = client;
    this.#selection = selection;
    this.#retry = retry;
  }

  get hasMirrors(): boolean {
    return this.#selection.hasMirrors;
  }

  manifest(
    ref: Reference,
    target: Pick<Reference, "tag" | "digest"> = ref,
    signal?: AbortSignal,
  ): Promise<ManifestBytes> {
    const isWholeImage = target.digest ? target.digest === ref.digest : target.tag === ref.tag;
    return this.#askRepeatedly(
      async ({ reference, isPrimary }) => {
        const found = await this.#client.manifest(reference, target, signal);
        // No digest vouches for a manifest that was requested by tag. If a mirror sends something
        // else, that is the mirror's failure, and the next source may do better.
        if (!isPrimary) parseManifest(found.bytes, { mediaType: found.mediaType });
        return found;
      },
      { signal, isWholeImage },
    );
  }

  reader(ref: Reference): ImageReader {
    return {
      manifest: (target, signal) => this.manifest(ref, target, signal),
      smallBlob: (descriptor, maxBytes, signal) =>
        this.#askRepeatedly(
          ({ reference }) => this.#client.reader(reference).smallBlob(descriptor, maxBytes, signal),
          { signal },
        ),
    };
  }

  /** The referrers of a manifest, from the first source that answers; undefined without that API. */
  referrers(_ref: Reference, digest: string, signal?: AbortSignal): Promise<Index | undefined> {
    return this.#askRepeatedly(
      ({ reference }) => this.#client.referrers(reference, digest, signal),
      { signal },
    );
  }

  /** Opens a blob. If a mirror breaks off, the next source continues at the same byte. */
  async openBlob(
    _ref: Reference,
    descriptor: Descriptor,
    { signal, offset = 0 }: { signal?: AbortSignal; offset?: number } = {},
  ): Promise<BlobBody> {
    const { digest } = descriptor;
    // All bytes came before, and the caller requests them again: they were wrong.
    if (this.#suppliers.takeDelivered(digest)) this.distrustSuppliers(digest);
    const open = (position: number) => this.#openAt(descriptor, position, signal);
    const opened = await open(offset);
    const body = readMirroredBlob(descriptor, opened, {
      selection: this.#selection,
      suppliers: this.#suppliers,
      signal,
      open,
    });
    return { offset: opened.blob.offset, body };
  }

  /**
   * Asks the mirrors that sent a part of a damaged blob no more.
   *
   * @returns their names
   */
  distrustSuppliers(digest: string): string[] {
    const mirrors = this.#suppliers.take(digest);
    for (const mirror of mirrors) this.#selection.distrust(mirror);
    return mirrors.map(mirrorName);
  }

  /** The options for callers that try again by themselves, as readers of `openBlob` do. */
  retryOptions(signal?: AbortSignal): RetryOptions {
    return { ...this.#client.retryOptions(signal), policy: this.#retry };
  }

  close(): Promise<void> {
    return this.#client.close();
  }

  #openAt(descriptor: Descriptor, offset: number, signal?: AbortSignal): Promise<OpenBlob> {
    return this.#selection.askInOrder(
      async (source) => {
        const blob = await this.#client.openBlob(source.reference, descriptor, { signal, offset });
        return { source, blob };
      },
      { signal },
    );
  }

  /**
   * Asks all sources, and asks all of them again if each has failed (`retryRules.allSourcesFailed`).
   * The client itself requests wrong bytes once more.
   */
  async #askRepeatedly<Result>(
    ask: (source: PullSource) => Promise<Result>,
    options: { signal?: AbortSignal | undefined; isWholeImage?: boolean },
  ): Promise<Result> {
    const retry = new Retry(this.retryOptions(options.signal));
    for (;;) {
      try {
        return await this.#selection.askInOrder(ask, options);
      } catch (error) {
        await retry.wait(error);
      }
    }
  }
}
