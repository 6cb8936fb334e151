import { join } from "node:path";
import * as z from "zod";
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

/** True if the name is a file name, which cannot lead out of its directory. */
export function isFileName(name: string): boolean {
  return fileName.test(name);
}

const file = z
  .object({
    name: z.string().regex(fileName).describe("Name in the directory"),
    size: z.int().nonnegative().describe("Size in bytes"),
    sha256: z
      .string()
      .regex(/^[0-9a-f]{64}$/)
      .describe("SHA-256 in lower-case hex"),
  })
  .meta({ id: "file", description: "A file of the directory." });

const text = z.string();

const source = z
  .object({
    reference: text.describe("Image reference as given"),
    manifestDigest: text.describe("Digest of the image manifest"),
    platform: text.describe("Platform, such as `linux/amd64`"),
  })
  .describe("The image that the files were made from");

const requiredFiles = {
  kernel: file.describe("Kernel"),
  initrd: file.describe("Initrd"),
  squashfs: file.describe("Root file system"),
};

const optionalFiles = {
  cloudConfig: file.optional().describe("Cloud-config for the machines"),
  sbom: file.optional().describe("List of the packages in the image"),
  iso: file.optional().describe("ISO that boots a machine and fetches the rest"),
  uki: file
    .optional()
    .describe("Unified kernel image: kernel, initrd, and command line in one EFI program"),
};

const writerSchema = z.object({
  schemaVersion: z.literal(1).describe("Version of this format"),
  name: text.describe("Name of the release, the common part of the file names"),
  files: z
    .object({ ...requiredFiles, script: file.describe("iPXE script"), ...optionalFiles })
    .describe("The files of the directory"),
  source,
  kairos: z
    .object({
      flavor: text.nullable().describe("Distribution, such as `hadron` or `ubuntu`"),
      flavorRelease: text.nullable().describe("Version of the distribution"),
      variant: text.nullable().describe("`core` or `standard`"),
      model: text.nullable().describe("Kind of machine, such as `generic` or `rpi4`"),
      release: text.nullable().describe("Kairos release, such as `v4.3.0`"),
      kubernetes: text
        .nullable()
        .describe("Version of the Kubernetes distribution, such as `k3sv1.31.2+k3s1`"),
      fips: z.boolean().describe("True if the image uses FIPS cryptography"),
    })
    .describe("From the release file of the image; null if the file does not say"),
  kernel: z
    .object({
      path: text.describe("Path in the image"),
      version: text.nullable().describe("Version, if the kernel names one"),
    })
    .describe("The kernel of the image"),
  initrd: z
    .object({ path: text.describe("Path in the image") })
    .describe("The initrd of the image"),
  squashfs: z
    .object({
      compression: text.describe("Codec and level, such as `zstd:3`"),
      blockSize: z.int().describe("Block size in bytes"),
    })
    .describe("How the squashfs was made"),
  commandLine: text.describe(
    "Kernel command line, with placeholders for the URL of the files and for the cloud-config",
  ),
  options: z
    .object({
      compression: text.describe("`--compression`"),
      blockSize: z.int().describe("`--block-size` in bytes"),
      name: text.nullable().describe("`--name`"),
      kernel: text.nullable().describe("`--kernel`"),
      initrd: text.nullable().describe("`--initrd`"),
      url: text.nullable().describe("`--url`"),
      commandLine: text.nullable().describe("`--cmdline`"),
      commandLineReplacement: text.nullable().describe("`--cmdline-replace`"),
      consoles: z.array(text).describe("`--console`"),
      cloudConfig: text.nullable().describe("SHA-256 of the file of `--cloud-config`"),
      sbom: z.enum(["spdx", "cyclonedx"]).nullable().describe("`--sbom`"),
      iso: z
        .object({ ipxe: text.describe("SHA-256 of `ipxe.lkrn` followed by `ipxe.efi`") })
        .optional()
        .describe("`--iso`"),
      uki: z
        .object({
          certificate: text
            .nullable()
            .describe("SHA-256 of the file of `--uki-cert`; null if the file is not signed"),
          stub: text.describe("SHA-256 of the EFI stub of systemd"),
        })
        .optional()
        .describe("`--uki`"),
      signature: z
        .object({
          key: text.nullable().describe("SHA-256 of the key of `--verify-key` (DER)"),
          identity: text.nullable().describe("`--verify-identity`"),
          issuer: text.nullable().describe("`--verify-issuer`"),
          sourceRepository: text.nullable().describe("`--verify-source-repository`"),
          trustedRoot: text
            .nullable()
            .describe("SHA-256 of the file of `--trusted-root`; null for the public one"),
        })
        .optional()
        .describe("The signature of the image that was required and verified"),
    })
    .describe("Options of the command: the same options and image produce the same files"),
  program: z
    .object({
      name: z.literal("kairos-netboot").describe("Name of the program"),
      version: text.describe("Version of the program"),
    })
    .describe("The program that wrote the directory"),
  created: text.nullable().describe("When the image was made, according to the image (RFC 3339)"),
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

/** The contents that this version of the program writes. */
export type WrittenNetbootJson = z.infer<typeof writerSchema>;
/** The members that a reader takes, whichever version of the program wrote the file. */
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
    description:
      "Describes a directory of netboot files, and the image and options that they were made from.",
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
