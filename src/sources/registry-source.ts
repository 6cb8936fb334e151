import pLimit from "p-limit";
import {
  type Descriptor,
  formatReference,
  type ImageReader,
  loadCredentials,
  type Platform,
  parseReference,
  type Reference,
  RegistryClient,
  type ResolvedImage,
  type ResolveOptions,
  Retry,
  resolveImage,
  sha256,
} from "../oci-client/index.js";
import { NetbootError } from "../support/index.js";
import type { Blob } from "./blob.js";
import { BlobCache } from "./blob-cache.js";
import { Download, isIntact } from "./download.js";
import type { AttachedSignatures, ImageSource, SourceOptions } from "./image-source.js";
import { Notices, once } from "./notices.js";
import { RegistrySignatures } from "./registry-signatures.js";
import { translated } from "./translate-error.js";

/** An image in a registry; blobs go through the cache. */
export class RegistrySource implements ImageSource {
  readonly reference: string;
  readonly #reference: Reference;
  readonly #options: SourceOptions;
  readonly #cache: BlobCache;
  readonly #limit: ReturnType<typeof pLimit>;
  readonly #notices: Notices;
  #client: Promise<RegistryClient> | undefined;
  readonly #blobs = new Map<string, Download>();

  /** @throws OciClientError REFERENCE_INVALID */
  constructor(text: string, options: SourceOptions) {
    this.#reference = parseReference(text);
    this.reference = formatReference(this.#reference);
    this.#options = options;
    this.#cache = new BlobCache(options.cacheDirectory, options.cacheTiming);
    this.#notices = new Notices((message) => options.onNotice?.(message));
    this.#limit = pLimit(options.concurrency);
  }

  resolve(platform: Platform, approve?: ResolveOptions["approve"]): Promise<ResolvedImage> {
    const { digest, tag } = this.#reference;
    return translated(() =>
      resolveImage(this.#reader(), digest ?? tag ?? "latest", platform, {
        signal: this.#options.signal,
        ...(approve && { approve }),
      }),
    );
  }

  get signatures(): AttachedSignatures {
    const connect = () => this.#connect();
    return new RegistrySignatures(this.#reference, connect, this.#options.signal);
  }

  async reserve(descriptors: readonly Descriptor[]): Promise<void> {
    const sizes = new Map(descriptors.map(({ digest, size }) => [digest, size]));
    let missing = 0;
    for (const [digest, size] of sizes) missing += await this.#cache.missingOf(digest, size);
    await this.#cache.reserve(missing);
  }

  fetch(descriptor: Descriptor): Blob {
    const { signal, onProgress } = this.#options;
    // Images happen to have one layer twice.
    const known = this.#blobs.get(descriptor.digest);
    if (known !== undefined) return known;
    const blob = new Download(
      descriptor,
      {
        cache: this.#cache,
        signal,
        openAt: async (offset, either) => {
          const client = await this.#connect();
          return client.openBlob(this.#reference, descriptor, { signal: either, offset });
        },
        newRetry: async () => new Retry((await this.#connect()).retryOptions(signal)),
        onNotice: (message) => this.#notices.tell(message),
        onProgress: (present, isCached) => onProgress?.(descriptor, present, isCached),
      },
      (task) => this.#limit(() => translated(task)),
    );
    this.#blobs.set(descriptor.digest, blob);
    return blob;
  }

  async dropDamaged(): Promise<NetbootError | undefined> {
    const damaged: string[] = [];
    const wrong: string[] = [];
    const { signal } = this.#options;
    for (const { descriptor, isFromCache, isWorthAnother, path } of this.#blobs.values()) {
      if (isWorthAnother) wrong.push(descriptor.digest);
      if (isWorthAnother || !isFromCache || (await isIntact(path, descriptor, signal))) continue;
      await this.#cache.remove(descriptor.digest);
      damaged.push(descriptor.digest);
    }
    if (wrong.length > 0) {
      return new NetbootError(
        "CACHE_DAMAGED",
        `Wrong bytes came for ${wrong.join(", ")} and have been discarded.`,
        "Run the same command again.",
      );
    }
    if (damaged.length === 0) return undefined;
    return new NetbootError(
      "CACHE_DAMAGED",
      `The kept copy of ${damaged.join(", ")} was damaged and has been removed.`,
      "Run the same command again; check the disk if it happens often.",
    );
  }

  async close(): Promise<void> {
    const client = await this.#client?.catch(() => undefined);
    await client?.close();
    // What is being written is put in order before the caller removes its directories.
    await Promise.allSettled([...this.#blobs.values()].map(({ complete }) => complete));
    await this.#cache.close();
  }

  /** Credentials are read when they are first needed: a helper may ask the user something. */
  #connect(): Promise<RegistryClient> {
    this.#client ??= this.#newClient();
    return this.#client;
  }

  async #newClient(): Promise<RegistryClient> {
    const { userAgent, retry, timeouts } = this.#options;
    const onWarning = once((message) => this.#options.onWarning?.(message));
    const onNotice = (message: string) => this.#notices.tell(message);
    const credentials = await loadCredentials({ onWarning });
    return new RegistryClient({
      ...{ credentials, userAgent, onWarning, onNotice },
      ...(retry !== undefined && { retry }),
      ...(timeouts !== undefined && { timeouts }),
    });
  }

  /** Manifests and configurations are kept by digest: a pinned image needs no network. */
  #reader(): ImageReader {
    const connect = async () => (await this.#connect()).reader(this.#reference);
    return {
      manifest: async (target, signal) => {
        const kept = await this.#keptDocument(target.digest);
        if (kept !== undefined) return { bytes: kept };
        const answer = await (await connect()).manifest(target, signal);
        await this.#keepDocument(target.digest, answer.bytes);
        return answer;
      },
      smallBlob: async (descriptor, maxBytes, signal) => {
        const kept = await this.#keptDocument(descriptor.digest);
        if (kept !== undefined) return kept;
        const bytes = await (await connect()).smallBlob(descriptor, maxBytes, signal);
        await this.#keepDocument(descriptor.digest, bytes);
        return bytes;
      },
    };
  }

  async #keptDocument(digest: string | undefined): Promise<Uint8Array | undefined> {
    const kept = digest === undefined ? undefined : await this.#cache.readSmall(digest);
    if (digest === undefined || kept === undefined || sha256(kept) !== digest) return undefined;
    await this.#cache.touch(digest);
    return kept;
  }

  async #keepDocument(digest: string | undefined, bytes: Uint8Array): Promise<void> {
    if (digest !== undefined && sha256(bytes) === digest) {
      await this.#cache.writeSmall(digest, bytes);
    }
  }
}
