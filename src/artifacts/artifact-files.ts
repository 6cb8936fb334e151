import { createHash } from "node:crypto";
import { stat } from "node:fs/promises";
import { join } from "node:path";
import { readChunks } from "../support/index.js";
import { type Description, type FileDescription, isFileName } from "./netboot-json.js";

export const checksumsName = "SHA256SUMS";
export const checksumsSignatureName = "SHA256SUMS.sig";

const mostFiles = 1000;

/** The names under which Kairos' releases have these files, and that of what is ours. */
export function fileNames(name: string) {
  return {
    kernel: `${name}-kernel`,
    initrd: `${name}-initrd`,
    squashfs: `${name}.squashfs`,
    script: `${name}.ipxe`,
    cloudConfig: `${name}-cloud-config.yaml`,
    spdx: `${name}.spdx.json`,
    cyclonedx: `${name}.cdx.json`,
    iso: `${name}-ipxe.iso`,
    uki: `${name}.efi`,
  };
}

/** @throws the errors of reading it; EINVAL for what is no file, and that of an aborted signal */
export async function describeFile(
  directory: string,
  name: string,
  signal?: AbortSignal,
): Promise<FileDescription> {
  const size = await sizeOfFile(directory, name);
  return { name, size, sha256: await sha256OfFile(join(directory, name), signal) };
}

/**
 * Bytes. A pipe would be waited for, and a device may never end.
 * @throws as `describeFile`
 */
export async function sizeOfFile(directory: string, name: string): Promise<number> {
  const found = await stat(join(directory, name));
  if (found.isFile()) return found.size;
  throw Object.assign(new Error(`${name} is no file`), { code: "EINVAL" });
}

/** In the format that `sha256sum -c` reads. */
export function formatChecksums(files: readonly { name: string; sha256: string }[]): string {
  return files.map(({ name, sha256 }) => `${sha256}  ${name}\n`).join("");
}

/**
 * Reads what `sha256sum` writes.
 * @returns names with their sums; undefined for a list with another line, with two sums of a name, or
 *   with a name that leads out of its directory
 */
export function parseChecksums(text: string): Map<string, string> | undefined {
  const sums = new Map<string, string>();
  for (const line of text.split("\n")) {
    if (line === "") continue;
    const match = /^([0-9a-f]{64}) [ *](.+)$/.exec(line);
    const name = match?.[2]?.replace(/^\.\//, "") ?? "";
    if (match === null || !isFileName(name) || sums.size >= mostFiles) return undefined;
    if ((sums.get(name) ?? match[1]) !== match[1]) return undefined;
    sums.set(name, match[1]!);
  }
  return sums;
}

export function filesOf({ files }: Description): FileDescription[] {
  return Object.values(files).filter((file) => file !== undefined);
}

export function sha256OfText(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

async function sha256OfFile(path: string, signal: AbortSignal | undefined): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of readChunks(path)) {
    signal?.throwIfAborted();
    hash.update(chunk);
  }
  return hash.digest("hex");
}
