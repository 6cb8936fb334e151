import { join } from "node:path";
import { z } from "zod";
import { tryReadSmallFile } from "../support/index.js";

/**
 * `netboot.json`: what a directory holds and what it was made from. Nothing in it depends on when
 * or where it was made.
 *
 * Writers are strict and readers are tolerant. `extract` writes every member of
 * `WrittenNetbootJson`, the published JSON Schema. A reader takes the members of `NetbootJson` and
 * ignores all others, so that a directory that any version of the program published stays readable.
 *
 * `schemaVersion` is 1 as long as that holds. Later versions of the program may add members (an
 * option, a file, a fact) and may leave out members that `NetbootJson` declares optional. Changing
 * the meaning or the type of a member, or leaving out a required one, needs a new `schemaVersion`,
 * which readers of version 1 refuse.
 */
export const netbootJsonName = "netboot.json";

const fileName = /^(?!\.\.?$)[^/\0]+$/;

/** True if the name is that of a file in a directory, and cannot lead out of it. */
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

const source = z.object({
  reference: text,
  /** Digest of the image manifest. */
  manifestDigest: text,
  /** `linux/amd64`. */
  platform: text,
});

const requiredFiles = { kernel: file, initrd: file, squashfs: file };

const optionalFiles = {
  cloudConfig: file.optional(),
  /** List of the packages in the image. */
  sbom: file.optional(),
  /** Boots from a CD or a USB stick, and fetches the rest. */
  iso: file.optional(),
  /** Unified kernel image: kernel, initrd, and command line in one EFI program. */
  uki: file.optional(),
};

const writerSchema = z.object({
  schemaVersion: z.literal(1),
  /** Common part of the file names. */
  name: text,
  files: z.object({
    ...requiredFiles,
    /** Script for iPXE. */
    script: file,
    ...optionalFiles,
  }),
  source,
  /** From the image's release file; null for what it does not say. */
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
    /** Path in the image. */
    path: text,
    version: text.nullable(),
  }),
  initrd: z.object({
    /** Path in the image. */
    path: text,
  }),
  squashfs: z.object({
    /** `zstd:3`. */
    compression: text,
    /** Bytes. */
    blockSize: z.int(),
  }),
  /** Kernel command line; the server of the files replaces `${url}` and `${config}`. */
  commandLine: text,
  /** What the user asked for: the same options and the same image give the same files. */
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
    /** SHA-256 of the cloud-config. */
    cloudConfig: text.nullable(),
    sbom: z.enum(["spdx", "cyclonedx"]).nullable(),
    iso: z
      .object({
        /** SHA-256 of `ipxe.lkrn` followed by `ipxe.efi`. */
        ipxe: text,
      })
      .optional(),
    uki: z
      .object({
        /** SHA-256 of the signer's certificate file; null if the file is not signed. */
        certificate: text.nullable(),
        /** SHA-256 of systemd's EFI stub. */
        stub: text,
      })
      .optional(),
  }),
  program: z.object({ name: z.literal("kairos-netboot"), version: text }),
  /** When the image was made, according to the image. */
  created: text.nullable(),
});

const readerSchema = z.object({
  schemaVersion: z.literal(1),
  name: text,
  files: z
    .object({ ...requiredFiles, script: file.optional(), ...optionalFiles })
    // Kinds of files that a later version added: they belong to the directory all the same.
    .catchall(file.optional().catch(undefined)),
  source,
  kernel: z.object({ version: text.nullish() }).default({}),
  squashfs: z.object({ compression: text.optional(), blockSize: z.int().optional() }).default({}),
  commandLine: text,
  options: z.looseObject({ url: text.nullish() }).default({}),
  /** The name shows whose file this is: files that it lists may be removed. */
  program: z.object({ name: z.literal("kairos-netboot"), version: text.optional() }),
  created: text.nullish(),
});

/** What this version of the program writes. */
export type WrittenNetbootJson = z.infer<typeof writerSchema>;
/** What a reader takes from the file, whichever version of the program wrote it. */
export type NetbootJson = z.infer<typeof readerSchema>;
export type FileDescription = z.infer<typeof file>;

/**
 * Puts members into the order of the schema, so that the same contents are always the same bytes.
 * @throws z.ZodError for what the published schema does not allow
 */
export function checkNetbootJson(netbootJson: WrittenNetbootJson): WrittenNetbootJson {
  return writerSchema.parse(netbootJson);
}

export function formatNetbootJson(netbootJson: WrittenNetbootJson): string {
  return `${JSON.stringify(netbootJson, undefined, 2)}\n`;
}

/** The JSON Schema (draft 2020-12) of what `extract` writes; it allows members that it does not name. */
export function netbootJsonSchema(): unknown {
  return {
    title: "netboot.json of kairos-netboot, version 1",
    description: "What a directory of netboot files holds, and what it was made from.",
    ...z.toJSONSchema(writerSchema, { io: "input" }),
  };
}

/** @returns undefined if the text is not a netboot.json of version 1 */
export function parseNetbootJson(text: string): NetbootJson | undefined {
  return parseAs(readerSchema, text);
}

/** @returns undefined if the directory has no netboot.json, or one that `parseNetbootJson` refuses */
export async function readNetbootJson(directory: string): Promise<NetbootJson | undefined> {
  return parseAs(readerSchema, await textIn(directory));
}

/** @returns undefined if the file is not as this version of the program writes it */
export async function readWrittenNetbootJson(
  directory: string,
): Promise<WrittenNetbootJson | undefined> {
  return parseAs(writerSchema, await textIn(directory));
}

async function textIn(directory: string): Promise<string> {
  const bytes = await tryReadSmallFile(join(directory, netbootJsonName));
  return bytes?.toString("utf8") ?? "";
}

function parseAs<Schema extends z.ZodType>(
  schema: Schema,
  text: string,
): z.infer<Schema> | undefined {
  try {
    return schema.parse(JSON.parse(text));
  } catch {
    return undefined;
  }
}
