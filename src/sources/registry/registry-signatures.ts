import {
  type Descriptor,
  type IndexEntry,
  OciClientError,
  parseManifest,
  type Reference,
} from "../../oci-client/index.js";
import type { AttachedSignatures } from "../image-source/image-source.js";
import { translateErrors } from "../image-source/translate-error.js";
import type { MirroredClient } from "./mirrored-client.js";

/** Maximum number of referrers to read. */
const maxReferrers = 50;

/**
 * Signatures beside an image in its repository, in both of cosign's layouts: under the tag
 * `sha256-….sig` (specs/SIGNATURE_SPEC.md, "Tag-based Discovery"), and as referrers or, if the
 * registry has no referrers API, under the tag `sha256-…` (specs/BUNDLE_SPEC.md).
 */
export class RegistrySignatures implements AttachedSignatures {
  constructor(
    readonly reference: Reference,
    readonly connect: () => Promise<MirroredClient>,
    readonly signal: AbortSignal,
  ) {}

  async *signatureManifests(digest: string): AsyncGenerator<Uint8Array> {
    const tag = digest.replace(":", "-");
    const byTag = await translateErrors(() => this.#tagged(`${tag}.sig`));
    if (byTag !== undefined) yield byTag;
    const referrers = await translateErrors(() => this.#referrers(digest, tag));
    for (const referrer of referrers.slice(0, maxReferrers)) {
      yield await this.signedDocument(referrer.digest);
    }
  }

  signatureBlob(descriptor: Descriptor, maxBytes: number): Promise<Uint8Array> {
    return translateErrors(async () => {
      const client = await this.connect();
      return client.reader(this.reference).smallBlob(descriptor, maxBytes, this.signal);
    });
  }

  signedDocument(digest: string): Promise<Uint8Array> {
    return translateErrors(async () => {
      const client = await this.connect();
      return (await client.manifest(this.reference, { digest }, this.signal)).bytes;
    });
  }

  async #referrers(digest: string, tag: string): Promise<readonly IndexEntry[]> {
    const client = await this.connect();
    const listed = await client.referrers(this.reference, digest, this.signal);
    if (listed !== undefined) return listed.manifests;
    const bytes = await this.#tagged(tag);
    const index = bytes && parseManifest(bytes);
    return index?.kind === "index" ? index.manifests : [];
  }

  async #tagged(tag: string): Promise<Uint8Array | undefined> {
    try {
      const client = await this.connect();
      return (await client.manifest(this.reference, { tag }, this.signal)).bytes;
    } catch (error) {
      if (error instanceof OciClientError && error.code === "IMAGE_NOT_FOUND") return undefined;
      throw error;
    }
  }
}
