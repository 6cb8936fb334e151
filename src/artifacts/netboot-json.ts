import { z } from "zod";

const fileName = /^(?!\.\.?$)[^/\0]+$/;

/** True for the name of a file in a directory, and of nothing outside it. */
export function isFileName(name: string): boolean {
  return fileName.test(name);
}

const file = z.object({
  name: z.string().regex(fileName),
  /** Bytes. */
  size: z.int().nonnegative(),
  /** Hexadecimal. */
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
});

const text = z.string();

/**
 * `netboot.json`, version 1: what a directory holds and what it was made from. Nothing in it
 * depends on when or where it was made.
 */
export const descriptionSchema = z.object({
  schemaVersion: z.literal(1),
  /** Common to the file names. */
  name: text,
  files: z.object({
    kernel: file,
    initrd: file,
    squashfs: file,
    /** For iPXE. */
    script: file,
    cloudConfig: file.optional(),
    /** The packages in the image. */
    sbom: file.optional(),
    /** Boots from a CD or a USB stick, and fetches the rest. */
    iso: file.optional(),
    /** Unified kernel image: kernel, initrd and command line in one EFI program. */
    uki: file.optional(),
  }),
  source: z.object({
    reference: text,
    /** Of the image manifest. */
    manifestDigest: text,
    /** `linux/amd64`. */
    platform: text,
  }),
  /** From the image's release file; null where it does not say. */
  kairos: z.object({
    flavor: text.nullable(),
    flavorRelease: text.nullable(),
    variant: text.nullable(),
    model: text.nullable(),
    release: text.nullable(),
    /** Version of the Kubernetes distribution, for example `k3sv1.31.2+k3s1`. */
    kubernetes: text.nullable(),
    fips: z.boolean(),
  }),
  kernel: z.object({
    /** Where it was in the image. */
    path: text,
    version: text.nullable(),
  }),
  initrd: z.object({ path: text }),
  squashfs: z.object({
    /** `zstd:3`. */
    compression: text,
    /** Bytes. */
    blockSize: z.int(),
  }),
  /** Kernel command line; `${url}` and `${config}` are for whoever serves the files. */
  commandLine: text,
  /** What the user asked for: with equal options and an equal image nothing is made again. */
  options: z.object({
    compression: text,
    blockSize: z.int(),
    name: text.nullable(),
    kernel: text.nullable(),
    initrd: text.nullable(),
    url: text.nullable(),
    commandLine: text.nullable(),
    commandLineReplacement: text.nullable(),
    consoles: z.array(text),
    /** Its SHA-256. */
    cloudConfig: text.nullable(),
    sbom: z.enum(["spdx", "cyclonedx"]).nullable(),
    iso: z
      .object({
        /** SHA-256 of `ipxe.lkrn` and `ipxe.efi`, one behind the other. */
        ipxe: text,
      })
      .optional(),
    uki: z
      .object({
        /** Who signed it: SHA-256 of the certificate's file; null where nobody did. */
        certificate: text.nullable(),
        /** SHA-256 of systemd's EFI stub. */
        stub: text,
      })
      .optional(),
  }),
  program: z.object({ name: z.literal("kairos-netboot"), version: text }),
  /** When the image was made, as it says itself. */
  created: text.nullable(),
});

export type Description = z.infer<typeof descriptionSchema>;
export type FileDescription = z.infer<typeof file>;

export const descriptionName = "netboot.json";

export function formatDescription(description: Description): string {
  return `${JSON.stringify(description, undefined, 2)}\n`;
}

/** The same as a JSON Schema (draft 2020-12); members that it does not know are allowed. */
export function descriptionJsonSchema(): unknown {
  return {
    title: "netboot.json of kairos-netboot, version 1",
    description: "What a directory of netboot files holds, and what it was made from.",
    ...z.toJSONSchema(descriptionSchema, { io: "input" }),
  };
}

/** @returns undefined where the text is no description of a version known here */
export function parseDescription(text: string): Description | undefined {
  try {
    return descriptionSchema.parse(JSON.parse(text));
  } catch {
    return undefined;
  }
}
