import { type Descriptor, type Index, parseManifest } from "../../oci-client/index.js";
import type { AttachedSignatures } from "../image-source/image-source.js";
import { translateErrors } from "../image-source/translate-error.js";
import { verified } from "../image-source/verified.js";

const refName = "org.opencontainers.image.ref.name";
const largestDocument = 4 * 1024 * 1024;
const mostManifests = 50;

export interface LayoutReader {
  index(): Promise<Index>;
  read(digest: string, maxBytes: number): Promise<Uint8Array>;
}

/**
 * Signatures in an OCI layout: as `cosign save` puts them there (marked by an annotation), under the
 * tags that a registry would have, or as manifests of their own with a bundle's type.
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
      verified(await this.layout.read(digest, maxBytes), digest, size),
    );
  }

  signedDocument(digest: string): Promise<Uint8Array> {
    return translateErrors(async () =>
      verified(await this.layout.read(digest, largestDocument), digest),
    );
  }

  /** The manifests in an index that stands for a list of referrers. */
  #listed(descriptor: Descriptor): Promise<Uint8Array[]> {
    return translateErrors(async () => {
      const document = parseManifest(await this.signedDocument(descriptor.digest));
      if (document.kind !== "index") return [];
      const digests = document.manifests.slice(0, mostManifests).map(({ digest }) => digest);
      return Promise.all(digests.map((digest) => this.signedDocument(digest)));
    });
  }
}

/** True for what a layout holds beside its images: signatures, and lists of them. */
export function isSignatures({ annotations, artifactType }: Descriptor): boolean {
  return (
    annotations?.kind === "dev.cosignproject.cosign/sigs" ||
    /(?:^|:)sha256-[0-9a-f]{64}\.sig$/.test(annotations?.[refName] ?? "") ||
    (artifactType?.startsWith("application/vnd.dev.sigstore.bundle") ?? false)
  );
}

function isNamed({ annotations }: Descriptor, tag: string): boolean {
  const name = annotations?.[refName] ?? "";
  return name === tag || name.endsWith(`:${tag}`);
}
