import { createHash } from "node:crypto";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { gzipSync } from "node:zlib";

/** Media types as the OCI image spec and Docker's documentation print them. */
export const ociIndexType = "application/vnd.oci.image.index.v1+json";
export const ociManifestType = "application/vnd.oci.image.manifest.v1+json";
export const ociConfigType = "application/vnd.oci.image.config.v1+json";
export const ociLayerType = "application/vnd.oci.image.layer.v1.tar+gzip";
export const dockerListType = "application/vnd.docker.distribution.manifest.list.v2+json";

/** The registered algorithms (OCI image spec, descriptor.md). */
export type DigestAlgorithm = "sha256" | "sha512";

export function digestOf(bytes: Uint8Array, algorithm: DigestAlgorithm = "sha256"): string {
  return `${algorithm}:${createHash(algorithm).update(bytes).digest("hex")}`;
}

export interface Pointer {
  mediaType: string;
  digest: string;
  size: number;
  [member: string]: unknown;
}

/** Blobs and manifests by digest: what an OCI layout or a registry's repository holds. */
export class ImageContent {
  readonly blobs = new Map<string, Buffer>();

  constructor(readonly algorithm: DigestAlgorithm = "sha256") {}

  add(content: unknown, mediaType: string, members: Record<string, unknown> = {}): Pointer {
    const bytes = Buffer.isBuffer(content) ? content : Buffer.from(JSON.stringify(content));
    const digest = digestOf(bytes, this.algorithm);
    this.blobs.set(digest, bytes);
    return { mediaType, digest, size: bytes.length, ...members };
  }

  /** An image of one layer per text, as a builder would write it. */
  image(
    platform: { os?: string; architecture?: string; variant?: string },
    texts = ["one layer"],
    members: Record<string, unknown> = {},
  ): Pointer {
    const plain = texts.map((text) => Buffer.from(text.repeat(20)));
    const config = this.add(
      {
        ...platform,
        rootfs: { type: "layers", diff_ids: plain.map((bytes) => digestOf(bytes, this.algorithm)) },
      },
      ociConfigType,
    );
    const layers = plain.map((bytes) => this.add(gzipSync(bytes), ociLayerType));
    return this.manifest({ config, layers, ...members });
  }

  manifest(members: Record<string, unknown>): Pointer {
    return this.add({ schemaVersion: 2, mediaType: ociManifestType, ...members }, ociManifestType);
  }

  index(manifests: Pointer[], mediaType = ociIndexType): Pointer {
    return this.add({ schemaVersion: 2, mediaType, manifests }, mediaType);
  }

  bytes({ digest }: { digest: string }): Buffer {
    const bytes = this.blobs.get(digest);
    if (!bytes) throw new Error(`no content ${digest}`);
    return bytes;
  }

  json(pointer: Pointer) {
    return JSON.parse(this.bytes(pointer).toString());
  }

  /** Writes an OCI layout whose one entry is tagged `tag` (OCI image spec, image-layout.md). */
  async writeLayout(directory: string, root: Pointer, tag: string): Promise<void> {
    const blobs = join(directory, "blobs");
    await mkdir(join(blobs, this.algorithm), { recursive: true });
    for (const [digest, bytes] of this.blobs) {
      await writeFile(join(blobs, ...digest.split(":")), bytes);
    }
    const annotations = { "org.opencontainers.image.ref.name": tag };
    const index = { schemaVersion: 2, manifests: [{ ...root, annotations }] };
    await writeFile(join(directory, "index.json"), JSON.stringify(index));
    await writeFile(join(directory, "oci-layout"), '{"imageLayoutVersion":"1.0.0"}');
  }
}
