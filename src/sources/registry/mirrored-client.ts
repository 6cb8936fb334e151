import {
  type BlobBody,
  type Descriptor,
  formatReference,
  type ImageReader,
  type Index,
  type ManifestBytes,
  OciClientError,
  parseManifest,
  type Reference,
  type RegistryClient,
  Retry,
  type RetryOptions,
  type RetryPolicy,
} from "../../oci-client/index.js";
import type { PullSource } from "./pull-sources.js";

export interface MirroredClientOptions {
  client: RegistryClient;
  /** In the order of trying; the last is the registry itself. */
  sources: readonly PullSource[];
  /** Names of mirrors that sent wrong bytes; grows, and is shared by all attempts of one job. */
  distrusted: Set<string>;
  /** How long all places together are tried again; the client by itself tries nothing again. */
  retry: Partial<RetryPolicy> | undefined;
  /** Told what was used, and what was passed over. */
  onDetail: (message: string) => void;
}

interface OpenBlob {
  source: PullSource;
  blob: BlobBody;
}

/**
 * Reads one image from the first place that has it. A mirror that fails is passed over; what it fails
 * with is the next one's chance, and the last one's error is the one that counts. Methods are those of
 * RegistryClient, and so are their errors; the reference they are given is the one of the image.
 */
export class MirroredClient {
  readonly #options: MirroredClientOptions;
  readonly #failed = new Set<PullSource>();
  readonly #told = new Set<PullSource>();
  /** Of each blob, the mirrors that had a part in it. */
  readonly #givers = new Map<string, Set<PullSource>>();
  readonly #delivered = new Set<string>();

  constructor(options: MirroredClientOptions) {
    this.#options = options;
  }

  get hasMirrors(): boolean {
    return this.#options.sources.length > 1;
  }

  manifest(
    ref: Reference,
    target: Pick<Reference, "tag" | "digest"> = ref,
    signal?: AbortSignal,
  ): Promise<ManifestBytes> {
    const isOwn = target.digest ? target.digest === ref.digest : target.tag === ref.tag;
    return this.#patiently(
      async ({ reference, isPrimary }) => {
        const found = await this.#options.client.manifest(reference, target, signal);
        // By a tag nothing vouches for the bytes: what is no manifest at all is the mirror's fault.
        if (!isPrimary) parseManifest(found.bytes, { mediaType: found.mediaType });
        return found;
      },
      { signal, isAll: isOwn },
    );
  }

  reader(ref: Reference): ImageReader {
    return {
      manifest: (target, signal) => this.manifest(ref, target, signal),
      smallBlob: (descriptor, maxBytes, signal) =>
        this.#patiently(
          ({ reference }) =>
            this.#options.client.reader(reference).smallBlob(descriptor, maxBytes, signal),
          { signal },
        ),
    };
  }

  /** What refers to a manifest, by the first place that answers; undefined where it cannot tell. */
  referrers(_ref: Reference, digest: string, signal?: AbortSignal): Promise<Index | undefined> {
    return this.#patiently(
      ({ reference }) => this.#options.client.referrers(reference, digest, signal),
      { signal },
    );
  }

  /** A mirror that breaks off in the middle is taken over from by the next, at the same byte. */
  async openBlob(
    _ref: Reference,
    descriptor: Descriptor,
    { signal, offset = 0 }: { signal?: AbortSignal; offset?: number } = {},
  ): Promise<BlobBody> {
    // Who wants again what came whole has found it wrong.
    if (this.#delivered.delete(descriptor.digest)) this.distrust(descriptor.digest);
    const opened = await this.#open(descriptor, offset, signal);
    return { offset: opened.blob.offset, body: this.#continued(descriptor, opened, signal) };
  }

  /**
   * Asks no mirror again that had a part in a blob that proved wrong.
   *
   * @returns their names
   */
  distrust(digest: string): string[] {
    const names = [...(this.#givers.get(digest) ?? [])].map(nameOf);
    for (const name of names) this.#options.distrusted.add(name);
    this.#givers.delete(digest);
    return names;
  }

  /** What attempts of the caller's own go by, as with the blobs that `openBlob` opens. */
  retryOptions(signal?: AbortSignal): RetryOptions {
    const { client, retry } = this.#options;
    return { ...client.retryOptions(signal), policy: retry };
  }

  close(): Promise<void> {
    return this.#options.client.close();
  }

  #open(descriptor: Descriptor, offset: number, signal?: AbortSignal): Promise<OpenBlob> {
    return this.#first(
      async (source) => {
        const { client } = this.#options;
        const blob = await client.openBlob(source.reference, descriptor, { signal, offset });
        return { source, blob };
      },
      { signal },
    );
  }

  async *#continued(
    descriptor: Descriptor,
    opened: OpenBlob,
    signal?: AbortSignal,
  ): AsyncGenerator<Uint8Array, void, undefined> {
    const { digest, size } = descriptor;
    let { source, blob } = opened;
    let position = blob.offset;
    for (;;) {
      this.#remember(digest, source);
      try {
        for await (const chunk of from(blob, position)) {
          position += chunk.length;
          yield chunk;
        }
        if (position >= size) this.#delivered.add(digest);
        if (position >= size || source.isPrimary) return;
        this.#passOver(source, `it ended after ${position} of ${size} bytes`);
      } catch (error) {
        signal?.throwIfAborted();
        if (source.isPrimary || !(error instanceof OciClientError)) throw error;
        this.#passOver(source, error.message);
      }
      ({ source, blob } = await this.#open(descriptor, position, signal));
    }
  }

  #remember(digest: string, source: PullSource): void {
    if (source.isPrimary) return;
    const givers = this.#givers.get(digest) ?? new Set();
    this.#givers.set(digest, givers.add(source));
  }

  /** Tries again where all places failed, each time all of them; wrong bytes the client asks for again. */
  async #patiently<Result>(
    ask: (source: PullSource) => Promise<Result>,
    options: { signal?: AbortSignal | undefined; isAll?: boolean },
  ): Promise<Result> {
    const retry = new Retry(this.retryOptions(options.signal));
    for (;;) {
      try {
        return await this.#first(ask, options);
      } catch (error) {
        await retry.wait(error);
      }
    }
  }

  /** @param isAll whether a place that has not what is asked for has nothing of the image */
  async #first<Result>(
    ask: (source: PullSource) => Promise<Result>,
    { signal, isAll = false }: { signal?: AbortSignal | undefined; isAll?: boolean },
  ): Promise<Result> {
    for (const source of this.#options.sources.filter((each) => this.#isWorthAsking(each))) {
      try {
        const result = await ask(source);
        this.#tell(source);
        return result;
      } catch (error) {
        signal?.throwIfAborted();
        if (!(error instanceof OciClientError)) throw error;
        if (source.isPrimary) {
          // Who tries again shall try all: where there is no way to the primary, mirrors are all.
          this.#failed.clear();
          throw error;
        }
        this.#passOver(source, error.message, !isAll && isAbsence(error));
      }
    }
    throw new RangeError("an image has no place of its own");
  }

  #isWorthAsking(source: PullSource): boolean {
    if (source.isPrimary) return true;
    return !this.#failed.has(source) && !this.#options.distrusted.has(nameOf(source));
  }

  /** @param onlyNow for what a mirror has not, though it may have the rest */
  #passOver(source: PullSource, problem: string, onlyNow = false): void {
    if (!onlyNow) this.#failed.add(source);
    this.#options.onDetail(
      `The mirror ${nameOf(source)} is passed over: ${problem.replace(/\.$/, "")}.`,
    );
  }

  #tell(source: PullSource): void {
    if (this.#told.has(source) || !this.hasMirrors) return;
    this.#told.add(source);
    const what = source.isPrimary ? "the registry itself" : "the mirror";
    this.#options.onDetail(`Pulling from ${what}, ${formatReference(source.reference)}.`);
  }
}

function isAbsence({ code }: OciClientError): boolean {
  return code === "BLOB_NOT_FOUND" || code === "IMAGE_NOT_FOUND";
}

function nameOf({ reference: { registry, repository } }: PullSource): string {
  return `${registry}/${repository}`;
}

/** The body from a byte on, also where the server began at an earlier one. */
async function* from({ body, offset }: BlobBody, position: number) {
  let skip = position - offset;
  for await (const chunk of body) {
    if (skip >= chunk.length) skip -= chunk.length;
    else {
      yield skip > 0 ? chunk.subarray(skip) : chunk;
      skip = 0;
    }
  }
}
