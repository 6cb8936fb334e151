import { z } from "zod";
import { isDigest } from "./digest.js";
import type { Platform } from "./platform.js";

/** A pointer to content (OCI image spec, descriptor.md). */
export interface Descriptor {
  mediaType: string;
  digest: string;
  /** In bytes. */
  size: number;
  platform?: Platform & { "os.version"?: string };
  annotations?: Record<string, string>;
  urls?: string[];
  artifactType?: string;
}

/** Far longer than any real name, so that none floods memory or a message. */
export const text = z.string().max(1024);
export const annotations = z.record(text, z.string());

export const descriptor = z.object({
  mediaType: text,
  digest: z.string().refine(isDigest, "not a sha256 or sha512 digest"),
  size: z.int().min(0),
  platform: z
    .object({
      // Something in an index without a platform must not keep the images beside it from being found.
      os: text.default(""),
      architecture: text.default(""),
      variant: text.optional(),
      "os.version": text.optional(),
    })
    .optional(),
  annotations: annotations.optional(),
  urls: z.array(z.string().max(4096)).max(16).optional(),
  artifactType: text.optional(),
});
