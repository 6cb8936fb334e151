import {
  type Descriptor,
  type Index,
  type IndexEntry,
  isDigestOf,
  parseManifest,
} from "../../oci-client/index.js";
import { NetbootError } from "../../support/index.js";
import type { AttachedSignatures } from "../image-source/image-source.js";
import { translateErrors } from "../image-source/translate-error.js";

/** The annotation of a descriptor that holds its tag (OCI image-spec, annotations.md). */
export const refNameAnnotation = "org.opencontainers.image.ref.name";
const maxDocumentBytes = 4 * 1024 * 1024;
/** Maximum number of manifests to read from a list of referrers. */
const maxManifests = 50;

export interface LayoutReader {
  index(): Promise<Index>;
  read(digest: string, maxBytes: number): Promise<Uint8Array>;
}

/**
 * Signatures in an OCI layout: those that `cosign save` wrote (marked by an annotation), those under the
 * tags that a registry would have, and manifests with the artifact type of a bundle.
 */
export class LayoutSignatures implements AttachedSignatures {
  constructor(readonly layout: LayoutReader) {}

  async *signatureManifests(digest: string): AsyncGenerator<Uint8Array> {
    const tag = digest.replace(":", "-");
    for (const descriptor of (await this.layout.index()).manifests) {
      if (isSignatures(descriptor)) yield await this.signedDocument(descriptor.digest);
      else if (isNamed(descriptor, tag)) yield* await this.#listed(descriptor);
    }
  }

  signatureBlob({ digest, size }: Descriptor, maxBytes: number): Promise<Uint8Array> {
    return translateErrors(async () =>
      checkBytes(await this.layout.read(digest, maxBytes), digest, size),
    );
  }

  signedDocument(digest: string): Promise<Uint8Array> {
    return translateErrors(async () =>
      checkBytes(await this.layout.read(digest, maxDocumentBytes), digest),
    );
  }

  /** Reads the manifests of an index that is a list of referrers. */
  #listed(entry: IndexEntry): Promise<Uint8Array[]> {
    return translateErrors(async () => {
      const document = parseManifest(await this.signedDocument(entry.digest));
      if (document.kind !== "index") return [];
      const digests = document.manifests.slice(0, maxManifests).map(({ digest }) => digest);
      return Promise.all(digests.map((digest) => this.signedDocument(digest)));
    });
  }
}

/** True for a manifest of signatures, as opposed to an image. */
export function isSignatures({ annotations, artifactType }: IndexEntry): boolean {
  return (
    annotations?.kind === "dev.cosignproject.cosign/sigs" ||
    /(?:^|:)sha(?:256|512)-[0-9a-f]+\.sig$/.test(annotations?.[refNameAnnotation] ?? "") ||
    (artifactType?.startsWith("application/vnd.dev.sigstore.bundle") ?? false)
  );
}

function isNamed({ annotations }: IndexEntry, tag: string): boolean {
  const name = annotations?.[refNameAnnotation] ?? "";
  return name === tag || name.endsWith(`:${tag}`);
}

/**
 * Returns bytes that have the digest and, if it is given, the size.
 * @throws NetbootError BLOB_MISMATCH
 */
function checkBytes(bytes: Uint8Array, digest: string, size = bytes.length): Uint8Array {
  if (isDigestOf(digest, bytes) && bytes.length === size) return bytes;
  throw new NetbootError(
    "BLOB_MISMATCH",
    `The content of the blob ${digest} does not match its digest.`,
    "Copy the image again.",
  );
}
