import { type ImageReader, isDigestOf } from "../../oci-client/index.js";
import type { BlobCache } from "../cache/blob-cache.js";

/**
 * Reads manifests and configurations, and keeps them in the cache by digest: an image that is
 * referenced by digest needs no network the second time.
 */
export function cachedReader(cache: BlobCache, connect: () => Promise<ImageReader>): ImageReader {
  return {
    manifest: async (target, signal) => {
      const cached = await readDocument(cache, target.digest);
      if (cached !== undefined) return { bytes: cached };
      const answer = await (await connect()).manifest(target, signal);
      await writeDocument(cache, target.digest, answer.bytes);
      return answer;
    },
    smallBlob: async (descriptor, maxBytes, signal) => {
      const cached = await readDocument(cache, descriptor.digest);
      if (cached !== undefined) return cached;
      const bytes = await (await connect()).smallBlob(descriptor, maxBytes, signal);
      await writeDocument(cache, descriptor.digest, bytes);
      return bytes;
    },
  };
}

/** A document from the cache; undefined if it is missing or damaged. */
async function readDocument(
  cache: BlobCache,
  digest: string | undefined,
): Promise<Uint8Array | undefined> {
  const bytes = digest === undefined ? undefined : await cache.readSmall(digest);
  if (digest === undefined || bytes === undefined || !isDigestOf(digest, bytes)) return undefined;
  await cache.touch(digest);
  return bytes;
}

async function writeDocument(
  cache: BlobCache,
  digest: string | undefined,
  bytes: Uint8Array,
): Promise<void> {
  if (digest !== undefined && isDigestOf(digest, bytes)) await cache.writeSmall(digest, bytes);
}
