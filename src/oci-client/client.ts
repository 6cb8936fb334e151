import type { CredentialStore } from "./auth/credentials.js";
import { RegistrySession } from "./auth/registry-session.js";
import type { Descriptor } from "./core/descriptor.js";
import { indexTypes, manifestTypes, ociIndexType } from "./core/media-types.js";
import { OciClientError } from "./core/oci-client-error.js";
import type { Platform } from "./core/platform.js";
import type { Reference } from "./core/reference.js";
import { verifyBytes, verifyingStream } from "./core/verification.js";
import type { ImageReader, ManifestBytes } from "./image/image-reader.js";
import { type Index, manifestTooLarge, maxManifestBytes, parseManifest } from "./image/manifest.js";
import { type ResolvedImage, resolveImage } from "./image/resolve-image.js";
import type { RetryPolicy } from "./transport/backoff.js";
import { type BlobBody, blobBody } from "./transport/blob-body.js";
import type { ConnectionOptions } from "./transport/connection-options.js";
import { openForeignBlob } from "./transport/foreign-blob.js";
import type { Timeouts } from "./transport/http-exchange.js";
import { readBody } from "./transport/read-body.js";
import { formatPause, type RetryOptions, retrying } from "./transport/retry.js";
import { defaultTimeouts, Transport } from "./transport/transport.js";

export interface RegistryClientOptions {
  /** Without these everything is asked for anonymously. */
  credentials?: CredentialStore;
  /** TLS and proxies. */
  network?: ConnectionOptions;
  userAgent?: string;
  /** Told what goes on in another way than was asked for. */
  onWarning?: (message: string) => void;
  /** How long manifests and small blobs are asked for again; not at all by default. */
  retry?: Partial<RetryPolicy>;
  /** Told why it waits, and for how long, before something is tried again. */
  onNotice?: (message: string) => void;
  /** Milliseconds; `body` is the longest pause between two chunks. */
  timeouts?: Partial<Timeouts>;
}

const acceptedTypes = [...indexTypes, ...manifestTypes].join(", ");

/**
 * Reads images from registries (OCI distribution spec, "Pull"). One client serves any number of
 * registries, and of calls at the same time. Besides the codes given with each, all methods throw
 * OciClientError with REGISTRY_UNREACHABLE, REGISTRY_DENIED, REGISTRY_ERROR and CREDENTIALS_INVALID,
 * and the reason of a signal that is aborted.
 */
export class RegistryClient {
  readonly #transport: Transport;
  readonly #session: RegistrySession;
  readonly #onWarning: (message: string) => void;
  readonly #options: RegistryClientOptions;

  /** @throws OciClientError REGISTRY_CONFIG_INVALID */
  constructor(options: RegistryClientOptions = {}) {
    const { credentials, network, userAgent, onWarning, timeouts } = options;
    this.#transport = new Transport(
      userAgent ?? "kairos-netboot",
      { ...defaultTimeouts, ...timeouts },
      network,
    );
    this.#session = new RegistrySession(this.#transport, credentials);
    this.#onWarning = onWarning ?? (() => {});
    this.#options = options;
  }

  /**
   * What attempts of the caller's own go by, as with the blobs that `openBlob` opens: the same
   * patience as this client's.
   */
  retryOptions(signal?: AbortSignal): RetryOptions {
    const { retry: policy, onNotice } = this.#options;
    const onWait = (reason: string, pause: number) =>
      onNotice?.(`${reason}; trying again in ${formatPause(pause)}.`);
    return { policy, signal, onWait, hasAnswered: () => this.#session.hasAnswered };
  }

  /**
   * Fetches one index or manifest, that of `ref` unless `target` names another in its repository. A
   * digest is verified.
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
   * Finds the image for a platform; see `resolveImage`, whose errors it throws too.
   * @throws OciClientError IMAGE_NOT_FOUND, BLOB_NOT_FOUND
   */
  async resolve(ref: Reference, platform: Platform, signal?: AbortSignal): Promise<ResolvedImage> {
    return resolveImage(this.reader(ref), ref.digest ?? ref.tag ?? "latest", platform, { signal });
  }

  /**
   * What refers to a manifest of this digest (OCI distribution spec, "Listing Referrers"), as far as
   * the first answer lists it.
   * @returns undefined where the registry does not know of referrers
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
    // Older registries have various words for an address that they do not know.
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

  /** Reads the documents of a repository, for `resolveImage` and whoever keeps them. */
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
   * Opens a blob, from byte `offset` on if the server can do that. The bytes are not verified: send a
   * whole blob through `verifyingStream`, or hash it where its parts come together. The signal ends
   * the body too. An offset beyond the blob's last byte counts as 0. Nothing is tried again here: only
   * who has the first bytes can ask for the others.
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
      this.#onWarning(`${ref.registry} cannot resume ${descriptor.digest}: starting over.`);
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
      this.#onWarning(`${ref.registry} cannot resume ${descriptor.digest}: starting over.`);
    }
    return blob;
  }

  /** Ends all connections; a body that is still being read fails. */
  async close(): Promise<void> {
    await this.#transport.close();
  }
}

/** 206 with another part than the one asked for, or 416 (RFC 9110, section 15.5.17). */
function isRangeRefusal(error: unknown): boolean {
  return error instanceof OciClientError && (error.status === 206 || error.status === 416);
}

function webPage({ registry }: Reference): OciClientError {
  return new OciClientError(
    "REGISTRY_ERROR",
    `${registry} answered with a web page, where a registry has a manifest.`,
    { hint: "Check its address; a proxy, or a network that wants a login, may answer for it." },
  );
}
