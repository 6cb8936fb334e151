import type { Descriptor } from "../core/descriptor.js";
import { OciClientError } from "../core/oci-client-error.js";
import { verifyBytes } from "../core/verification.js";
import { type Index, type Manifest, parseManifest } from "./manifest.js";

/** A manifest's bytes as they came, with the type that came beside them, if one did. */
export interface ManifestBytes {
  bytes: Uint8Array;
  mediaType?: string;
}

/** Where an image's documents are read from: a registry's repository, or an OCI layout. */
export interface ImageReader {
  /** Reads one index or manifest; by the digest where there is one, else by the tag. */
  manifest(target: { tag?: string; digest?: string }, signal?: AbortSignal): Promise<ManifestBytes>;
  /** Reads a whole blob into memory, refusing more than `maxBytes`. */
  smallBlob(descriptor: Descriptor, maxBytes: number, signal?: AbortSignal): Promise<Uint8Array>;
}

/** A document that was read, verified and parsed. */
export interface ReadManifest {
  digest: string;
  bytes: Uint8Array;
  document: Index | Manifest;
}

/**
 * Reads what a descriptor names and checks size, digest and type.
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
 * Reads a blob that is small enough for memory and checks its size and digest.
 * @throws OciClientError BLOB_MISMATCH, MANIFEST_INVALID
 */
export async function readSmallBlob(
  reader: ImageReader,
  descriptor: Descriptor,
  maxBytes: number,
  signal?: AbortSignal,
): Promise<Uint8Array> {
  if (descriptor.size > maxBytes) {
    const message = `The image config is said to have ${descriptor.size} bytes, more than ${maxBytes}.`;
    throw new OciClientError("MANIFEST_INVALID", message, {
      hint: "No real image needs that: check that the reference names a container image.",
    });
  }
  const bytes = await reader.smallBlob(descriptor, maxBytes, signal);
  verifyBytes(bytes, descriptor, "image config");
  return bytes;
}
