import * as z from "zod";
import { isDigest } from "./digest.js";
import type { StatedPlatform } from "./platform.js";

/** A pointer to content (OCI image spec, descriptor.md). */
export interface Descriptor {
  readonly mediaType: string;
  readonly digest: string;
  /** In bytes. */
  readonly size: number;
  readonly platform?: StatedPlatform & { readonly "os.version"?: string };
  readonly annotations?: Readonly<Record<string, string>>;
  readonly urls?: readonly string[];
  readonly artifactType?: string;
}

/** The limit is far above any real name, and keeps a hostile one from flooding memory or a message. */
export const text = z.string().max(1024);
export const annotations = z.record(text, z.string());

export const descriptor = z.object({
  mediaType: text,
  digest: z.string().refine(isDigest, "not a sha256 or sha512 digest"),
  size: z.int().min(0),
  platform: z
    .object({
      // An entry with an incomplete platform must not hide the other images in its index.
      os: text.optional(),
      architecture: text.optional(),
      variant: text.optional(),
      "os.version": text.optional(),
    })
    .optional(),
  annotations: annotations.optional(),
  urls: z.array(z.string().max(4096)).max(16).optional(),
  artifactType: text.optional(),
});
