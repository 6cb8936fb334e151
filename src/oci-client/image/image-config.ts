import * as z from "zod";
import type { Descriptor } from "../core/descriptor.js";
import { isDigest } from "../core/digest.js";
import { checkDocument, parseJson } from "../core/json-document.js";
import { type ImageReader, readSmallBlob } from "./image-reader.js";

/** The members of an image config that this program uses (OCI image spec, config.md). */
export interface ImageConfig {
  /** The specification requires it and `os`, but some builders leave them out or empty. */
  readonly architecture?: string;
  readonly os?: string;
  readonly variant?: string;
  /** As written in the image: RFC 3339, unchecked. */
  readonly created?: string;
  /** `diff_ids`: the digests of the uncompressed layers, bottom first. */
  readonly rootfs: { readonly diff_ids: readonly string[] };
  readonly history?: readonly {
    readonly created?: string;
    readonly created_by?: string;
    readonly empty_layer?: boolean;
  }[];
  readonly config?: {
    readonly Labels?: Readonly<Record<string, string>>;
    readonly Env?: readonly string[];
  };
}

/** The same limit as in containers/image. */
const maxConfigBytes = 4 * 1024 * 1024;

const digest = z.string().refine(isDigest, "not a sha256 or sha512 digest");

const imageConfig = z.object({
  architecture: z.string().optional(),
  os: z.string().optional(),
  variant: z.string().optional(),
  created: z.string().optional(),
  rootfs: z.object({ diff_ids: z.array(digest).max(1000).default([]) }),
  history: z
    .array(
      z.object({
        created: z.string().optional(),
        created_by: z.string().optional(),
        empty_layer: z.boolean().optional(),
      }),
    )
    .optional(),
  config: z
    .object({
      Labels: z.record(z.string(), z.string()).optional(),
      Env: z.array(z.string()).optional(),
    })
    .optional(),
});

/**
 * Parses an image config. Unknown members are omitted, and null members count as absent.
 * @throws OciClientError MANIFEST_INVALID
 */
export function parseImageConfig(bytes: Uint8Array): ImageConfig {
  return checkDocument(imageConfig, parseJson(bytes, "image config"), "image config");
}

/**
 * Reads the config of an image, and checks its size and digest.
 * @throws OciClientError MANIFEST_INVALID, BLOB_MISMATCH, and what the reader throws
 */
export async function readImageConfig(
  reader: ImageReader,
  descriptor: Descriptor,
  signal?: AbortSignal,
): Promise<{ readonly config: ImageConfig; readonly bytes: Uint8Array }> {
  const bytes = await readSmallBlob(reader, descriptor, maxConfigBytes, signal);
  return { config: parseImageConfig(bytes), bytes };
}
