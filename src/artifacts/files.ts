import { createHash } from "node:crypto";
import { stat } from "node:fs/promises";
import { join } from "node:path";
import { readChunks } from "../support/index.js";
import type { Description, FileDescription } from "./description.js";

export const checksumsName = "SHA256SUMS";

/** The names under which Kairos' releases have these files, and that of what is ours. */
export function fileNames(name: string) {
  return {
    kernel: `${name}-kernel`,
    initrd: `${name}-initrd`,
    squashfs: `${name}.squashfs`,
    script: `${name}.ipxe`,
    cloudConfig: `${name}-cloud-config.yaml`,
  };
}

export async function describeFile(directory: string, name: string): Promise<FileDescription> {
  const path = join(directory, name);
  const { size } = await stat(path);
  return { name, size, sha256: await sha256OfFile(path) };
}

/** In the format that `sha256sum -c` reads. */
export function formatChecksums(files: readonly { name: string; sha256: string }[]): string {
  return files.map(({ name, sha256 }) => `${sha256}  ${name}\n`).join("");
}

export function filesOf({ files }: Description): FileDescription[] {
  return Object.values(files).filter((file) => file !== undefined);
}

export function sha256OfText(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

async function sha256OfFile(path: string): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of readChunks(path)) hash.update(chunk);
  return hash.digest("hex");
}
