import type { Descriptor } from "../core/descriptor.js";
import { OciClientError } from "../core/oci-client-error.js";
import { verifyBytes } from "../core/verification.js";
import { type Index, type Manifest, parseManifest } from "./manifest.js";

/** A manifest's original bytes, with the media type from the `Content-Type` header, if there was one. */
export interface ManifestBytes {
  readonly bytes: Uint8Array;
  readonly mediaType?: string;
}

/** Reads an image's documents from a registry's repository or an OCI layout. */
export interface ImageReader {
  /** Reads an index or a manifest, by the digest if there is one, otherwise by the tag. */
  manifest(target: { tag?: string; digest?: string }, signal?: AbortSignal): Promise<ManifestBytes>;
  /** Reads a whole blob into memory, and fails if it has more than `maxBytes` bytes. */
  smallBlob(descriptor: Descriptor, maxBytes: number, signal?: AbortSignal): Promise<Uint8Array>;
}

/** A parsed index or manifest whose digest is verified. */
export interface ReadManifest {
  readonly digest: string;
  readonly bytes: Uint8Array;
  readonly document: Index | Manifest;
}

/**
 * Reads an index or a manifest, and checks the size, the digest, and the media type of the descriptor.
 * @throws OciClientError BLOB_MISMATCH, MANIFEST_INVALID, MANIFEST_TOO_LARGE, MANIFEST_SCHEMA1
 */
export async function readManifest(
  reader: ImageReader,
  descriptor: Pick<Descriptor, "digest"> & Partial<Descriptor>,
  signal?: AbortSignal,
): Promise<ReadManifest> {
  const { bytes, mediaType } = await reader.manifest({ digest: descriptor.digest }, signal);
  verifyBytes(bytes, descriptor, "manifest");
  const document = parseManifest(bytes, { mediaType: descriptor.mediaType ?? mediaType });
  return { digest: descriptor.digest, bytes, document };
}

/**
 * Reads a small blob into memory and checks its size and digest.
 * @throws OciClientError BLOB_MISMATCH, MANIFEST_INVALID
 */
export async function readSmallBlob(
  reader: ImageReader,
  descriptor: Descriptor,
  maxBytes: number,
  signal?: AbortSignal,
): Promise<Uint8Array> {
  if (descriptor.size > maxBytes) {
    const message = `The image config has ${descriptor.size} bytes, which is more than the limit of ${maxBytes}.`;
    throw new OciClientError("MANIFEST_INVALID", message, {
      hint: "No real image has one of this size: check that the reference names a container image.",
    });
  }
  const bytes = await reader.smallBlob(descriptor, maxBytes, signal);
  verifyBytes(bytes, descriptor, "image config");
  return bytes;
}
