import pLimit from "p-limit";
import {
  type Descriptor,
  formatReference,
  type ImageReader,
  isDigestOf,
  OciClientError,
  type Platform,
  parseReference,
  type Reference,
  type ResolvedImage,
  type ResolveOptions,
  Retry,
  resolveImage,
} from "../../oci-client/index.js";
import { NetbootError } from "../../support/index.js";
import { BlobCache } from "../cache/blob-cache.js";
import type { Blob } from "../image-source/blob.js";
import type {
  AttachedSignatures,
  ImageSource,
  SourceOptions,
} from "../image-source/image-source.js";
import { translateErrors } from "../image-source/translate-error.js";
import { Download, isIntact } from "./download.js";
import type { MirroredClient } from "./mirrored-client.js";
import { NoticeThrottle, once } from "./notice-throttle.js";
import { checkRegistryAccess, openRegistry } from "./registry-access.js";
import { RegistrySignatures } from "./registry-signatures.js";

/** An image in a registry; blobs go through the cache. */
export class RegistrySource implements ImageSource {
  readonly reference: string;
  readonly #reference: Reference;
  readonly #options: SourceOptions;
  readonly #cache: BlobCache;
  readonly #limit: ReturnType<typeof pLimit>;
  readonly #notices: NoticeThrottle;
  #client: Promise<MirroredClient> | undefined;
  readonly #blobs = new Map<string, Download>();
  #mirrorFailure: NetbootError | undefined;

  /** @throws OciClientError REFERENCE_INVALID */
  constructor(text: string, options: SourceOptions) {
    this.#reference = parseReference(text);
    this.reference = formatReference(this.#reference);
    this.#options = options;
    this.#cache = new BlobCache(options.cacheDirectory, options.cacheTiming);
    this.#notices = new NoticeThrottle((message) => options.onNotice?.(message));
    this.#limit = pLimit(options.concurrency);
  }

  resolve(platform: Platform, approve?: ResolveOptions["approve"]): Promise<ResolvedImage> {
    const { digest, tag } = this.#reference;
    return translateErrors(async () => {
      // What is blocked is not to be had from the cache either.
      await this.#connect();
      return resolveImage(this.#reader(), digest ?? tag ?? "latest", platform, {
        signal: this.#options.signal,
        ...(approve && { approve }),
      });
    });
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
        newRetry: async (either) => new Retry((await this.#connect()).retryOptions(either)),
        onNotice: (message) => this.#notices.tell(message),
        onProgress: (present, isCached) => onProgress?.(descriptor, present, isCached),
      },
      (task) => this.#limit(() => translateErrors(() => this.#orDistrust(descriptor, task))),
    );
    this.#blobs.set(descriptor.digest, blob);
    return blob;
  }

  /** Wrong bytes that came from a mirror are worth another attempt without it. */
  async #orDistrust({ digest }: Descriptor, task: () => Promise<void>): Promise<void> {
    try {
      await task();
    } catch (error) {
      const isWrong = error instanceof OciClientError && error.code === "BLOB_MISMATCH";
      const mirrors = isWrong ? (await this.#connect()).distrust(digest) : [];
      if (mirrors.length === 0) throw error;
      this.#mirrorFailure = new NetbootError(
        "MIRROR_DAMAGED",
        `The mirror ${mirrors.join(", ")} sent other bytes than ${digest} names.`,
        "Leave the mirror out, and tell the people who run it.",
        { cause: error },
      );
      throw this.#mirrorFailure;
    }
  }

  async dropDamaged(): Promise<NetbootError | undefined> {
    if ((await this.#client)?.hasMirrors) {
      // A decompressor stumbles over wrong bytes before their digest is known.
      await Promise.allSettled([...this.#blobs.values()].map(({ complete }) => complete));
      if (this.#mirrorFailure !== undefined) return this.#mirrorFailure;
    }
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
  #connect(): Promise<MirroredClient> {
    const { registry = checkRegistryAccess(), userAgent, onDetail } = this.#options;
    const { retry, timeouts } = this.#options;
    this.#client ??= openRegistry(this.#reference, registry, {
      ...{ userAgent, retry, timeouts, onDetail },
      onWarning: once((message) => this.#options.onWarning?.(message)),
      onNotice: (message) => this.#notices.tell(message),
    });
    return this.#client;
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
    if (digest === undefined || kept === undefined || !isDigestOf(digest, kept)) return undefined;
    await this.#cache.touch(digest);
    return kept;
  }

  async #keepDocument(digest: string | undefined, bytes: Uint8Array): Promise<void> {
    if (digest !== undefined && isDigestOf(digest, bytes)) {
      await this.#cache.writeSmall(digest, bytes);
    }
  }
}
