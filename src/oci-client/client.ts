import type { CredentialStore } from "./auth/credentials.js";
import { RegistrySession } from "./auth/registry-session.js";
import type { Clock } from "./core/clock.js";
import type { Descriptor } from "./core/descriptor.js";
import { indexTypes, manifestTypes, ociIndexType } from "./core/media-types.js";
import { OciClientError } from "./core/oci-client-error.js";
import type { Platform } from "./core/platform.js";
import type { Reference } from "./core/reference.js";
import { verifyBytes, verifyingStream } from "./core/verification.js";
import type { ImageReader, ManifestBytes } from "./image/image-reader.js";
import { type Index, manifestTooLarge, maxManifestBytes, parseManifest } from "./image/manifest.js";
import { type ResolvedImage, resolveImage } from "./image/resolve-image.js";
import { type BlobBody, blobBody } from "./transport/blob-body.js";
import type { ConnectionOptions } from "./transport/connection-options.js";
import type { Timeouts } from "./transport/connections.js";
import { openForeignBlob } from "./transport/foreign-blob.js";
import { readBody } from "./transport/read-body.js";
import { formatPause, type RetryOptions, retrying } from "./transport/retry.js";
import type { RetryPolicy } from "./transport/retry-policy.js";
import { defaultTimeouts, Transport } from "./transport/transport.js";

export interface RegistryClientOptions {
  /** Without credentials all requests are anonymous. */
  readonly credentials?: CredentialStore;
  /** TLS and proxies. */
  readonly network?: ConnectionOptions;
  readonly userAgent?: string;
  /** Called if the client continues in another way than requested, for example without resuming. */
  readonly onWarning?: (message: string) => void;
  /** How long requests for manifests and small blobs are retried. Retries are disabled by default. */
  readonly retry?: Partial<RetryPolicy>;
  /** Called before each pause with the reason and the length of the pause. */
  readonly onNotice?: (message: string) => void;
  readonly timeouts?: Partial<Timeouts>;
  /** The time that retries and tokens go by; the system's clock by default. */
  readonly clock?: Clock;
}

/** One line each: some registries read a line as a single media type (containerd/containerd#5632). */
const acceptedTypes = [...indexTypes, ...manifestTypes];

/**
 * Reads images from registries (OCI distribution spec, "Pull"). One client serves any number of
 * registries and of concurrent calls. In addition to the codes that each method lists, all methods throw
 * OciClientError REGISTRY_UNREACHABLE, REGISTRY_DENIED, REGISTRY_ERROR, and CREDENTIALS_INVALID, and the
 * reason of an aborted signal.
 */
export class RegistryClient {
  readonly #transport: Transport;
  readonly #session: RegistrySession;
  readonly #onWarning: (message: string) => void;
  readonly #options: RegistryClientOptions;

  /** @throws OciClientError REGISTRY_CONFIG_INVALID */
  constructor(options: RegistryClientOptions = {}) {
    const { network, userAgent, onWarning, timeouts } = options;
    this.#transport = new Transport(
      userAgent ?? "kairos-netboot",
      { ...defaultTimeouts, ...timeouts },
      network,
    );
    this.#session = new RegistrySession(this.#transport, options);
    this.#onWarning = onWarning ?? (() => {});
    this.#options = options;
  }

  /** Options for the caller's own retries, for example of downloads with `openBlob`. */
  retryOptions(signal?: AbortSignal): RetryOptions {
    const { retry: policy, onNotice, clock } = this.#options;
    const onWait = (reason: string, pauseMs: number) =>
      onNotice?.(`${reason}; trying again in ${formatPause(pauseMs)}.`);
    return { policy, signal, onWait, clock, hasAnswered: () => this.#session.hasAnswered };
  }

  /**
   * Fetches an index or a manifest: the one of `ref`, or another one in its repository.
   * @param target the tag or digest; a digest is verified
   * @throws OciClientError IMAGE_NOT_FOUND, MANIFEST_TOO_LARGE, BLOB_MISMATCH; REGISTRY_ERROR also
   *   for a web page
   */
  manifest(
    ref: Reference,
    target: Pick<Reference, "tag" | "digest"> = ref,
    signal?: AbortSignal,
  ): Promise<ManifestBytes> {
    return retrying(() => this.#manifest(ref, target, signal), this.retryOptions(signal));
  }

  async #manifest(
    ref: Reference,
    { digest, tag = "latest" }: Pick<Reference, "tag" | "digest">,
    signal?: AbortSignal,
  ): Promise<ManifestBytes> {
    const { response, error } = await this.#session.get(ref, {
      kind: "manifest",
      target: digest ?? tag,
      headers: { accept: acceptedTypes },
      signal,
    });
    if (response.status !== 200) throw await error();
    const mediaType = response.header("content-type")?.split(";", 1)[0]?.trim().toLowerCase();
    if (mediaType === "text/html") {
      await response.discard();
      throw webPage(ref);
    }
    const { bytes, complete } = await readBody(response.body, maxManifestBytes);
    if (!complete) throw manifestTooLarge();
    if (digest !== undefined) verifyBytes(bytes, { digest }, "manifest");
    return { bytes, mediaType };
  }

  /**
   * Finds the image for a platform.
   * @throws OciClientError IMAGE_NOT_FOUND, BLOB_NOT_FOUND, and what `resolveImage` throws
   */
  async resolve(ref: Reference, platform: Platform, signal?: AbortSignal): Promise<ResolvedImage> {
    return resolveImage(this.reader(ref), ref.digest ?? ref.tag ?? "latest", platform, { signal });
  }

  /**
   * Lists the referrers of a manifest (OCI distribution spec, "Listing Referrers"): those on the first
   * page.
   * @returns undefined if the registry does not support referrers
   * @throws OciClientError MANIFEST_TOO_LARGE, MANIFEST_INVALID
   */
  async referrers(
    ref: Reference,
    digest: string,
    signal?: AbortSignal,
  ): Promise<Index | undefined> {
    const { response, error } = await this.#session.get(ref, {
      kind: "referrer",
      target: digest,
      headers: { accept: ociIndexType },
      signal,
    });
    // Older registries answer an unknown endpoint with various statuses.
    if ([400, 404, 405, 406, 501].includes(response.status)) {
      await response.discard();
      return undefined;
    }
    if (response.status !== 200) throw await error();
    const { bytes, complete } = await readBody(response.body, maxManifestBytes);
    if (!complete) throw manifestTooLarge();
    const document = parseManifest(bytes, { mediaType: ociIndexType });
    return document.kind === "index" ? document : undefined;
  }

  /** Reads the documents of a repository, for `resolveImage` and for caches. */
  reader(ref: Reference): ImageReader {
    return {
      manifest: (target, signal) => this.manifest(ref, target, signal),
      smallBlob: (descriptor, maxBytes, signal) =>
        retrying(async () => {
          const { body } = await this.openBlob(ref, descriptor, { signal });
          return (await readBody(verifyingStream(body, descriptor), maxBytes)).bytes;
        }, this.retryOptions(signal)),
    };
  }

  /**
   * Opens a blob from byte `offset` on, if the server supports that, otherwise from its beginning. The
   * bytes are not verified: pass a whole blob through `verifyingStream`, or hash its parts. The signal
   * ends the body too. An offset beyond the last byte counts as 0. Never retries, because only the caller
   * has the earlier bytes and can continue after them.
   * @throws OciClientError BLOB_NOT_FOUND; reading the body throws REGISTRY_UNREACHABLE
   */
  async openBlob(
    ref: Reference,
    descriptor: Descriptor,
    { signal, offset = 0 }: { signal?: AbortSignal; offset?: number } = {},
  ): Promise<BlobBody> {
    const start = offset < descriptor.size ? offset : 0;
    try {
      return await this.#openBlobAt(ref, descriptor, start, signal);
    } catch (error) {
      if (start === 0 || !isRangeRefusal(error)) throw error;
      this.#onWarning(
        `${ref.registry} cannot resume ${descriptor.digest}: downloading it from the beginning.`,
      );
      return this.#openBlobAt(ref, descriptor, 0, signal);
    }
  }

  async #openBlobAt(
    ref: Reference,
    descriptor: Descriptor,
    start: number,
    signal?: AbortSignal,
  ): Promise<BlobBody> {
    const request = { headers: start > 0 ? { range: `bytes=${start}-` } : undefined, signal };
    const { response, error } = await this.#session.get(ref, {
      kind: "blob",
      target: descriptor.digest,
      ...request,
    });
    let blob = await blobBody(response, descriptor, start);
    if (!blob && response.status === 404) {
      blob = await openForeignBlob(this.#transport, descriptor, start, request);
    }
    if (!blob) throw await error();
    if (blob.offset < start) {
      this.#onWarning(
        `${ref.registry} cannot resume ${descriptor.digest}: downloading it from the beginning.`,
      );
    }
    return blob;
  }

  /** Closes all connections. Reading an open body fails. */
  async close(): Promise<void> {
    await this.#transport.close();
  }
}

/** 206 with another range than requested, or 416 (RFC 9110, section 15.5.17). */
function isRangeRefusal(error: unknown): boolean {
  return error instanceof OciClientError && (error.status === 206 || error.status === 416);
}

function webPage({ registry }: Reference): OciClientError {
  return new OciClientError(
    "REGISTRY_ERROR",
    `${registry} answered with a web page instead of a manifest.`,
    {
      hint: "Check its address. A proxy or a network with a login page may have answered instead.",
    },
  );
}
