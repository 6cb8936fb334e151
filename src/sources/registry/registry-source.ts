import pLimit from "p-limit";
import {
  type Descriptor,
  formatReference,
  OciClientError,
  type Platform,
  parseReference,
  type Reference,
  type ResolvedImage,
  type ResolveOptions,
  Retry,
  resolveImage,
} from "../../oci-client/index.js";
import { NetbootError, systemCode } from "../../support/index.js";
import { BlobCache } from "../cache/blob-cache.js";
import type { Blob } from "../image-source/blob.js";
import type { AttachedSignatures, ImageSource } from "../image-source/image-source.js";
import { translateErrors } from "../image-source/translate-error.js";
import { isIntact } from "../image-source/verify-slice.js";
import { cachedReader } from "./cached-reader.js";
import { Download } from "./download.js";
import type { MirroredClient } from "./mirrored-client.js";
import { NoticeThrottle, withoutRepeats } from "./notice-throttle.js";
import { openRegistry } from "./open-registry.js";
import { checkRegistryAccess } from "./registry-access.js";
import { RegistrySignatures } from "./registry-signatures.js";
import type { RegistrySourceOptions } from "./registry-source-options.js";

/** An image in a registry. Its blobs go through the cache. */
export class RegistrySource implements ImageSource {
  readonly reference: string;
  readonly #reference: Reference;
  readonly #options: RegistrySourceOptions;
  readonly #cache: BlobCache;
  readonly #limit: ReturnType<typeof pLimit>;
  readonly #notices: NoticeThrottle;
  #client: Promise<MirroredClient> | undefined;
  readonly #blobs = new Map<string, Download>();
  #mirrorFailure: NetbootError | undefined;

  /** @throws OciClientError REFERENCE_INVALID */
  constructor(text: string, options: RegistrySourceOptions) {
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
      // Connect even if the cache has everything: a blocked registry is blocked there too.
      await this.#connect();
      const reader = cachedReader(this.#cache, async () =>
        (await this.#connect()).reader(this.#reference),
      );
      return resolveImage(reader, digest ?? tag ?? "latest", platform, {
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
    let missingBytes = 0;
    for (const [digest, size] of sizes) {
      missingBytes += await this.#cache.missingBytes(digest, size);
    }
    await this.#cache.reserve(missingBytes);
  }

  fetch(descriptor: Descriptor): Blob {
    const { signal, onProgress } = this.#options;
    // Some images contain one layer twice.
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
        onNotice: (message) => this.#notices.notify(message),
        onProgress: (present, isCached) => onProgress?.(descriptor, present, isCached),
      },
      (task) => this.#limit(() => translateErrors(() => this.#blameMirrors(descriptor, task))),
    );
    this.#blobs.set(descriptor.digest, blob);
    return blob;
  }

  /** Turns wrong bytes into MIRROR_DAMAGED if a mirror sent them (`retryRules.mirrorDamaged`). */
  async #blameMirrors({ digest }: Descriptor, task: () => Promise<void>): Promise<void> {
    try {
      await task();
    } catch (error) {
      const isWrong = error instanceof OciClientError && error.code === "BLOB_MISMATCH";
      const mirrors = isWrong ? (await this.#connect()).distrustSuppliers(digest) : [];
      if (mirrors.length === 0) throw error;
      this.#mirrorFailure = new NetbootError(
        "MIRROR_DAMAGED",
        `The mirror ${mirrors.join(", ")} sent bytes that do not match ${digest}.`,
        "Remove this mirror from the configuration, and tell its administrators.",
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
    const discarded: string[] = [];
    const damaged: string[] = [];
    for (const blob of this.#blobs.values()) {
      const { digest } = blob.descriptor;
      if (blob.hasMisledReaders) discarded.push(digest);
      else if (await this.#isDamagedInCache(blob)) damaged.push(digest);
    }
    for (const digest of damaged) await this.#cache.remove(digest);
    if (discarded.length > 0) {
      return new NetbootError(
        "CACHE_DAMAGED",
        `The bytes received for ${discarded.join(", ")} were wrong and have been discarded.`,
        "Run the same command again.",
      );
    }
    if (damaged.length === 0) return undefined;
    return new NetbootError(
      "CACHE_DAMAGED",
      `The cached copy of ${damaged.join(", ")} was damaged and has been removed.`,
      "Run the same command again. If it happens often, check the disk.",
    );
  }

  async #isDamagedInCache(blob: Download): Promise<boolean> {
    if (!blob.isFromCache || !blob.hasFile) return false;
    try {
      return !(await isIntact(blob.path, blob.descriptor, this.#options.signal));
    } catch (error) {
      // Another process has found it damaged, and removed it.
      if (systemCode(error) === "ENOENT") return true;
      throw error;
    }
  }

  async close(): Promise<void> {
    const client = await this.#client?.catch(() => undefined);
    await client?.close();
    // Downloads have to finish writing before the caller removes their directories.
    await Promise.allSettled([...this.#blobs.values()].map(({ complete }) => complete));
    await this.#cache.close();
  }

  /** Reads credentials as late as possible, because a credential helper may ask the user something. */
  #connect(): Promise<MirroredClient> {
    const { registry = checkRegistryAccess(), userAgent, retry, timeouts } = this.#options;
    this.#client ??= openRegistry(this.#reference, registry, {
      ...{ userAgent, retry, timeouts },
      onWarning: withoutRepeats((message) => this.#options.onWarning?.(message)),
      onDetail: (message) => this.#options.onDetail?.(message),
      onNotice: (message) => this.#notices.notify(message),
    });
    return this.#client;
  }
}
